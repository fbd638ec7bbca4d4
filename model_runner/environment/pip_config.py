"""pip's configuration files, read as pip reads them, without pip."""

import os
import sys
from collections.abc import Iterable, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

SECTIONS = ("global", "install")
"""In the order of their weight: the later wins."""


def pip_config() -> dict[str, str]:
    """What pip's files say on this machine, by option."""
    return read_files(config_files(os.environ, Path.home(), Path(sys.prefix), sys.platform))


def config_files(environ: Mapping[str, str], home: Path, prefix: Path, platform: str) -> list[Path]:
    """Where pip looks, from the least to the most important: the machine's, the user's, the environment's, its own."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    mac = Path("Library/Application Support/pip/pip.conf")
    xdg = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    machine = [Path(folder) / "pip/pip.conf" for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    if platform == "darwin":
        machine.append("/" / mac)
    user = [
        home / ".pip/pip.conf",
        home / mac if platform == "darwin" and (home / mac).exists() else xdg / "pip/pip.conf",
    ]
    return [*machine, Path("/etc/pip.conf"), *user, prefix / "pip.conf", *([Path(named)] if named else [])]


def read_files(files: Iterable[Path]) -> dict[str, str]:
    """The options of those files that can be read, the later file before the earlier."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for path in files:
        parser = RawConfigParser()
        try:
            parser.read(path, "utf-8")
        except (Error, OSError, UnicodeDecodeError):
            continue  # pip itself will complain about it
        for section in SECTIONS:
            if parser.has_section(section):
                found[section] |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    return {name: value for section in SECTIONS for name, value in found[section].items()}
