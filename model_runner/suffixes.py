"""The suffixes of model files, and the module of `model_runner/formats` that loads each."""

FORMATS = {
    ".pkl": "pickled",
    ".joblib": "pickled",
    ".skops": "skops",
    ".pt": "torch",
    ".pt2": "torch_export",
    ".ubj": "xgboost",
    ".json": "xgboost",
    ".onnx": "onnx",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".py": "predict_py",
}


def suffixes() -> tuple[str, ...]:
    """The suffixes of model files that can be loaded."""
    return tuple(suffix for suffix in FORMATS if suffix != ".py")
