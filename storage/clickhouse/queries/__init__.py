"""Every read that the product makes: one file a query, described in its first line, parameters as `{name:Type}`."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PARAMETER = re.compile(r"\{(\w+):([^}]+)\}")


@dataclass(frozen=True)
class NamedQuery:
    name: str
    description: str
    sql: str

    @property
    def parameters(self) -> dict[str, str]:
        """Name to ClickHouse type."""
        return dict(_PARAMETER.findall(self.sql))


@cache
def names() -> tuple[str, ...]:
    """Every query's name, in order."""
    return tuple(
        sorted(file.name.removesuffix(".sql") for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    )


@cache
def load(name: str) -> NamedQuery:
    """Raises KeyError, with the names there are."""
    if name not in names():
        raise KeyError(f"no query named {name!r}: there are {', '.join(names())}")
    first, _, sql = files(__name__).joinpath(f"{name}.sql").read_text("utf-8").partition("\n")
    return NamedQuery(name, first.removeprefix("--").strip(), sql)


def query(name: str) -> str:
    """The SQL of a named query, for `client.query(query(name), parameters={...})`."""
    return load(name).sql
