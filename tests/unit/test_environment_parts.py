"""The pure parts of environments: what the host has already, keys, and pip's settings in uv's words."""

import os
from pathlib import Path

import pytest

from model_runner.environment.index_settings import uv_environment, without_credentials
from model_runner.environment.key import Host, environment_key, packages_of
from model_runner.environment.pip_config import config_files, read_files
from model_runner.environment.requirements import parse_requirements
from model_runner.environment.satisfied import Installed, unsatisfied

HERE = Host("cpython-311 3.11.7", "linux-x86_64 glibc")
PACKAGES = {
    "pandas": Installed("2.3.3", ("numpy>=1.26", 'pyarrow>=10; extra == "parquet"', 'openpyxl; extra == "excel"')),
    "pyarrow": Installed("20.0.0"),
    "loop": Installed("1.0", ('loop[all]; extra == "all"',)),
    "torch": Installed("2.13.0+cpu"),
    "beta": Installed("3.0b1"),
}


def _unsatisfied(*lines: str) -> list[str]:
    return unsatisfied(parse_requirements("\n".join(lines).encode()), PACKAGES.get)


def test_what_is_installed_already_needs_no_environment() -> None:
    assert _unsatisfied("pandas==2.3.3", "pyarrow", "torch==2.13.0", "beta>=2", "loop[all]") == []
    assert _unsatisfied() == []


def test_another_version_a_missing_package_and_a_missing_extra_do() -> None:
    assert _unsatisfied("pandas==2.2.3", "pyarrow<20", "lightgbm", "beta==2") == [
        "pandas==2.2.3",
        "pyarrow<20",
        "lightgbm",
        "beta==2",
    ]
    assert _unsatisfied("pandas[parquet]==2.3.3") == []
    assert _unsatisfied("pandas[excel]==2.3.3") == ["pandas[excel]==2.3.3"]


def test_a_marker_that_does_not_hold_here_asks_for_nothing() -> None:
    assert _unsatisfied('lightgbm==4; python_version < "3"', 'pywin32; sys_platform == "win32"') == []
    assert _unsatisfied('lightgbm==4; python_version > "3"') == ['lightgbm==4; python_version > "3"']


def test_a_key_follows_from_packages_python_and_platform_and_nothing_else() -> None:
    lock = "# made by uv\nNumPy==2.4.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nhumanize==4.9.0\n"
    other = "humanize==4.9.0 \\\n    --hash=sha256:cc\nnumpy==2.4.6 ; python_version > '3'\n"
    packages = packages_of(lock)
    assert packages == packages_of(other) == ("humanize==4.9.0", "numpy==2.4.6")
    key = environment_key(packages, HERE)
    assert key == environment_key(reversed(packages), HERE)
    others = [
        environment_key(("humanize==4.9.1", "numpy==2.4.6"), HERE),
        environment_key(packages, Host("cpython-311 3.11.8", HERE.platform)),
        environment_key(packages, Host(HERE.python, "linux-aarch64 glibc")),
    ]
    assert len({key, *others}) == 4


def test_pips_settings_are_handed_on_and_uvs_own_come_first() -> None:
    config = {
        "index-url": "https://user:secret@index.example/simple",
        "extra-index-url": "https://a.example\nhttps://b.example",
        "find-links": "/wheels /more",
        "cert": "/etc/ca.pem",
        "constraint": "/etc/constraints.txt",
    }
    found = uv_environment({"PATH": "/bin"}, config)
    assert found == {
        "PATH": "/bin",
        "UV_DEFAULT_INDEX": "https://user:secret@index.example/simple",
        "UV_INDEX": "https://a.example https://b.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_CONSTRAINT": "/etc/constraints.txt",
        "SSL_CERT_FILE": "/etc/ca.pem",
    }
    nearer = uv_environment({"PIP_INDEX_URL": "https://c.example", "UV_INDEX": "https://d.example"}, config)
    assert nearer["UV_DEFAULT_INDEX"] == "https://c.example"
    assert nearer["UV_INDEX"] == "https://d.example"
    assert "UV_INDEX_STRATEGY" not in nearer


def test_uv_gets_neither_our_secrets_nor_what_would_change_how_it_installs() -> None:
    given = {
        "TIDEGATE_WEBHOOK_SECRET": "whsec_x",
        "UV_LINK_MODE": "hardlink",
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_VERIFY_HASHES": "1",
        "PYTHONPATH": "/x",
        "HTTPS_PROXY": "http://proxy",
        "UV_HTTP_TIMEOUT": "5",
    }
    assert uv_environment(given, {}) == {"HTTPS_PROXY": "http://proxy", "UV_HTTP_TIMEOUT": "5"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Failed to fetch: https://me:t0ken@x.example/simple/", "Failed to fetch: https://***@x.example/simple/"),
        ("at https://t0ken@x.example and http://a:b@y.example", "at https://***@x.example and http://***@y.example"),
        ("https://x.example/simple/@latest", "https://x.example/simple/@latest"),
    ],
)
def test_credentials_of_an_index_are_not_shown(said: str, shown: str) -> None:
    assert without_credentials(said) == shown


def test_pips_files_are_read_in_pips_order(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_DIRS": str(tmp_path / "machine"), "PIP_CONFIG_FILE": str(tmp_path / "own.conf")}
    files = config_files(environ, tmp_path / "home", tmp_path / "venv", "linux")
    machine, user, own = files[0], tmp_path / "home/.config/pip/pip.conf", files[-1]
    assert (machine, own) == (tmp_path / "machine/pip/pip.conf", tmp_path / "own.conf")
    assert user in files
    for path in (machine, user):
        path.parent.mkdir(parents=True)
    machine.write_text("[global]\nindex-url = https://machine.example\nfind_links = /wheels\ncert = /machine.pem\n")
    user.write_text(
        "[global]\nindex-url = https://user.example\n[install]\nextra-index-url =\n  https://a\n  https://b\n"
    )
    own.write_text("no section, so pip complains")
    read = read_files(path for path in files if tmp_path in path.parents)
    assert read["index-url"] == "https://user.example"
    assert read["find-links"] == "/wheels"
    assert read["cert"] == "/machine.pem"
    assert read["extra-index-url"].split() == ["https://a", "https://b"]
    assert config_files({"PIP_CONFIG_FILE": os.devnull}, tmp_path, tmp_path, "linux") == []
