"""RefinedWeb's line-wise corrections (Penedo et al. 2023, appendix G.2), as DCLM's baseline recipe has them.

Lines that are counters, mostly capitals or mostly digits, or a single word go; short lines lose what a page's furniture
puts there. A document that loses too large a share of its words is dropped.
"""

from __future__ import annotations

import re
from collections import Counter

from schemas.rules import RefinedWebLines
from tests.curation.rules.plain.failure import Failure

COUNTER = re.compile(
    r"\W*\d[\d,.]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views"
    r"|followers)\W*",
)
SHORT_LINE_WORDS = 10
ANYWHERE = re.compile(r"items in cart", re.IGNORECASE | re.ASCII)
AT_END = re.compile(r"(?ai:read more)...\s*$")
AT_START = re.compile(r"^\s*(?ai:sign-in)")


def refinedweb_lines(text: str, params: RefinedWebLines) -> tuple[str, Failure | None, Counter[str]]:
    """The text with the lines that stay, the rule that drops it (None keeps it), and lines edited by rule."""
    kept: list[str] = []
    edits: Counter[str] = Counter()
    before = after = 0
    for line in text.split("\n"):
        words = len(line.split())
        before += words
        if not words:
            kept.append(line)
            continue
        rule = _dropped(line, words, params)
        if rule is not None:
            edits[rule] += 1
            continue
        if params.furniture and words <= SHORT_LINE_WORDS:
            cut = AT_START.sub("", AT_END.sub("", ANYWHERE.sub("", line)))
            if cut != line:
                edits["refinedweb_furniture"] += 1
                if not cut.strip():
                    continue
                line, words = cut, len(cut.split())
        kept.append(line)
        after += words
    if params.max_removed_words is not None and before:
        removed = (before - after) / before
        if removed > params.max_removed_words:
            return text, ("too_many_removed_words", removed, params.max_removed_words), Counter()
    return "\n".join(kept), None, edits


def _dropped(line: str, words: int, params: RefinedWebLines) -> str | None:
    """The rule that drops a line with words, if any."""
    stripped = line.strip()
    if params.max_uppercase is not None and sum(map(str.isupper, stripped)) / len(stripped) > params.max_uppercase:
        return "refinedweb_uppercase"
    if params.max_digits is not None and sum(map(str.isdigit, stripped)) / len(stripped) > params.max_digits:
        return "refinedweb_digits"
    if params.counters and COUNTER.fullmatch(stripped.lower()):
        return "refinedweb_counter"
    if params.min_words is not None and words < params.min_words:
        return "refinedweb_too_few_words"
    return None
