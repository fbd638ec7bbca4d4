"""Names of previews: a branch as a part of a URL. Pure."""

import hashlib
import re

LONGEST = 40


def branch_slug(branch: str) -> str:
    """The branch in lower case, of `a-z0-9-`; with six digits of its hash where that loses something of it.

    Two branches never have the same one, but for a collision of the hash.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")[:LONGEST].strip("-")
    if plain == branch:
        return plain
    digest = hashlib.sha256(branch.encode()).hexdigest()[:6]
    return f"{plain}-{digest}" if plain else digest
