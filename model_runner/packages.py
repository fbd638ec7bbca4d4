"""Which package on PyPI brings a module, where the two are not named alike."""

import sys

_PACKAGES = {
    "Crypto": "pycryptodome",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "sentence_transformers": "sentence-transformers",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    # Plain `xgboost` brings hundreds of MB for GPUs along there.
    "xgboost": "xgboost-cpu" if sys.platform == "linux" else "xgboost",
}


def package_of(module: str) -> str:
    """The package that a missing module's first part is in, as far as is known."""
    first = module.split(".", maxsplit=1)[0]
    return _PACKAGES.get(first, first)
