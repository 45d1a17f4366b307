"""A recipe is written down in manifests, in Prefect's database and on its pages: no password belongs in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from schemas.strings import strings

IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/@\s]*:[^/@\s]+@")
"""A user and a password before a host."""


def places(part: Any) -> Iterator[str]:
    """Where a recipe, or a part of it, holds a URL with a password."""
    return (place for place, string in strings(part) if IN_URL.search(string))
