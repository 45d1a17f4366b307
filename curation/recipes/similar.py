"""The nearest valid name, for errors."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of an error about a name that is not known.

    >>> nearest("mth", ["math", "code"])
    "; did you mean 'math'?"
    """
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    more = ", …" if len(known) > 20 else ""
    return f"; there are {', '.join(known[:20])}{more}"
