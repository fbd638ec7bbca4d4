"""What pip was told about indexes, handed on to uv, which reads nothing of pip's."""

import re
from collections.abc import Mapping

_HANDED_ON = (
    ("UV_DEFAULT_INDEX", "index-url"),
    ("UV_INDEX", "extra-index-url"),
    ("UV_FIND_LINKS", "find-links"),
    ("UV_CONSTRAINT", "constraint"),
    ("SSL_CERT_FILE", "cert"),
)
_SEPARATORS = {"UV_FIND_LINKS": ","}
_UV_KEPT = (
    "UV_CONCURRENT",
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP",
    "UV_INDEX",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
)
"""Beginnings of uv's own variables that say where packages come from. Others would change how we install them."""
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


def uv_environment(environ: Mapping[str, str], pip_config: Mapping[str, str]) -> dict[str, str]:
    """The environment of a uv process. Tidegate's own settings, secrets among them, are not in it.

    Args:
        environ: of this process; what it says to uv comes before what it says to pip.
        pip_config: pip's configuration files, by option (`index-url`); what `environ` says to pip comes before it.
    """
    found = {name: value for name, value in environ.items() if _is_passed_on(name)}
    for variable, option in _HANDED_ON:
        value = environ.get(f"PIP_{option.upper().replace('-', '_')}") or pip_config.get(option, "")
        if value and variable not in found:
            found[variable] = _SEPARATORS.get(variable, " ").join(value.split())
            if variable == "UV_INDEX":
                # pip looks at all its indexes alike.
                found.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return found


def without_credentials(text: str) -> str:
    """The text with user names, passwords and tokens cut out of its URLs."""
    return _CREDENTIALS.sub("//***@", text)


def _is_passed_on(name: str) -> bool:
    if name.startswith("UV_"):
        return name.startswith(_UV_KEPT)
    return not name.startswith(("TIDEGATE_", "PYTHON", "VIRTUAL_ENV"))
