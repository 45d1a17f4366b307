"""Labels of groups by several names: one text, from which each is had again."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = "/"


def joined(labels: Iterable[str]) -> str:
    """Labels as one.

    >>> joined(["code", "a/b"])
    'code/a%2Fb'
    """
    return SEPARATOR.join(label.replace("%", "%25").replace(SEPARATOR, "%2F") for label in labels)


def parted(label: str) -> tuple[str, ...]:
    """The labels that one was joined of.

    >>> parted("code/a%2Fb")
    ('code', 'a/b')
    """
    return tuple(part.replace("%2F", SEPARATOR).replace("%25", "%") for part in label.split(SEPARATOR))
