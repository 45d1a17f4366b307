"""C4's line and document rules (Raffel et al. 2020), decision, reason and text as datatrove 0.10.1's C4QualityFilter.

Lines are dropped and cleaned, which rewrites the text; what remains must have enough sentences. Differs from the first
code (TFDS) as datatrove does: `'` ends a line too, three words a line, five sentences a page.
"""

from __future__ import annotations

import re
from collections import Counter

from schemas.rules import C4
from tests.curation.rules.plain.failure import Failure
from tests.curation.rules.plain.sentences import count_sentences

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
END_MARKS = (".", "?", "!", '"', "'")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def c4_quality(text: str, params: C4) -> tuple[str, Failure | None, Counter[str]]:
    """The text with the lines that stay, the first rule that drops it (None keeps it), and lines edited by rule."""
    sentences = 0
    kept: list[str] = []
    edits: Counter[str] = Counter()
    for raw in text.splitlines():
        line = raw.strip()
        words = line.split()
        if params.max_word_length is not None and any(len(word) > params.max_word_length for word in words):
            edits["c4_too_long_word"] += 1
            continue
        if params.remove_citations:
            line, found = CITATION.subn("", line)
            edits["c4_citation"] += found
        if params.terminal_punctuation and (not line.endswith(END_MARKS) or line.endswith("...")):
            edits["c4_no_terminal_punctuation"] += 1
            continue
        if params.min_words_per_line is not None and len(words) < params.min_words_per_line:
            edits["c4_too_few_words"] += 1
            continue
        lower = line.lower()
        if params.lorem_ipsum and "lorem ipsum" in lower:
            return text, ("lorem_ipsum", 1.0, 0.0), Counter()
        if params.javascript and "javascript" in lower:
            edits["c4_javascript"] += 1
            continue
        if params.curly_bracket and "{" in line:
            return text, ("curly_bracket", float(line.count("{")), 0.0), Counter()
        if params.policy and any(phrase in lower for phrase in POLICY):
            edits["c4_policy"] += 1
            continue
        if params.min_sentences is not None:
            sentences += count_sentences(line)
        kept.append(line)
    if params.min_sentences is not None and sentences < params.min_sentences:
        return text, ("too_few_sentences", float(sentences), float(params.min_sentences)), Counter()
    return "\n".join(kept).strip(), None, +edits
