"""SYLLABUS_ALLOWED_ROOTS: the folders and URL prefixes that a process may read and write, and no others.

Whoever may start a deployment chooses the paths of its recipe; where that is not whoever owns the machine, the variable bounds
them. It holds commas between local folders and prefixes such as ``s3://bucket/raw``. Every path is held against it where it is
opened (``storage.resolve``), once links are followed. What is installed with Syllabus may be read.
"""

from __future__ import annotations

import os
import sysconfig
from functools import lru_cache
from pathlib import Path

VARIABLE = "SYLLABUS_ALLOWED_ROOTS"


class OutsideRoots(PermissionError):
    """The path is in none of the allowed roots."""


def in_words(error: OSError) -> str:
    """Why a file cannot be opened, for the record of a run."""
    return f"it {error.strerror}" if isinstance(error, OutsideRoots) else type(error).__name__


def refusal(url: str, local: str | None) -> str | None:
    """Why a path may not be opened, None where it may. local: the absolute path on this machine, None for a URL."""
    value = os.environ.get(VARIABLE)
    if value is None:
        return None
    folders, prefixes = _roots(value)
    if local is not None:
        place = os.path.realpath(local)
        inside = any(place == folder or place.startswith(folder.rstrip("/") + "/") for folder in folders)
    else:
        parts = url.split("/")
        inside = ".." not in parts and "::" not in url and any(f"{url}/".startswith(prefix) for prefix in prefixes)
    return None if inside else f"is outside of the places that {VARIABLE} allows"


@lru_cache(maxsize=8)
def _roots(value: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Local folders, links followed, and URL prefixes that end with a slash."""
    named = [one.strip() for one in value.split(",") if one.strip()]
    folders = [os.path.realpath(os.path.expanduser(one.removeprefix("file://"))) for one in named if not _is_url(one)]
    ours = Path(__file__).resolve().parent
    folders += [sysconfig.get_path("purelib"), str(ours), str(ours.parent / "deployments")]
    return tuple(folders), tuple(one.rstrip("/") + "/" for one in named if _is_url(one))


def _is_url(place: str) -> bool:
    return "://" in place and not place.startswith("file://")
