"""RedPajama-V2's signals: our kernels against its formulas in plain Python."""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings

from curation.methods.scorers import score
from curation.methods.scorers.signal import SIGNALS
from schemas.scorers import Signal
from tests.curation.rules.texts import batches, table

PUNCTUATION = str.maketrans("", "", string.punctuation)
BULLETS = tuple("•‣▶◀◦■□▪▫–")


def plain(name: str, text: str) -> float | None:
    lower = text.translate(PUNCTUATION).lower()
    normal = unicodedata.normalize("NFD", re.sub(r"\s+", " ", lower.strip()))
    words, raw = normal.split(), text.split()
    lines, lower_lines = text.split("\n"), unicodedata.normalize("NFD", lower).split("\n")
    chars = sum(map(len, words))
    name = name.removeprefix("rps_")
    if found := re.fullmatch(r"doc_frac_chars_(top|dupe)_(\d+)grams?", name):
        n = int(found[2])
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = Counter(grams)
        if found[1] == "top":
            gram, count = counts.most_common(1)[0] if counts else ((), 0)
            return sum(map(len, gram)) * count / chars if count > 1 else 0.0
        covered = {i + j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(n)}
        return sum(len(words[i]) for i in covered) / chars if covered else 0.0

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return {
        "ccnet_length": lambda: len(text),
        "ccnet_nlines": lambda: len(lines),
        "doc_curly_bracket": lambda: sum(c in "{}" for c in text) / len(text) if text else 0.0,
        "doc_lorem_ipsum": lambda: normal.count("lorem ipsum") / len(normal) if normal else 0.0,
        "doc_num_sentences": lambda: len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "doc_word_count": lambda: len(words),
        "doc_mean_word_length": lambda: chars / len(words) if words else None,
        "doc_symbol_to_word_ratio": lambda: sum(map(text.count, ("#", "...", "…"))) / len(raw) if raw else None,
        "doc_frac_lines_end_with_ellipsis": lambda: mean([line.rstrip().endswith(("...", "…")) for line in lines]),
        "doc_frac_no_alph_words": lambda: 1 - mean([bool(re.search("[a-zA-Z]", w)) for w in raw]) if raw else None,
        "doc_frac_unique_words": lambda: len(set(words)) / len(words) if words else None,
        "doc_unigram_entropy": lambda: (
            -sum(c / len(words) * math.log(c / len(words)) for c in Counter(words).values()) if words else None
        ),
        "doc_frac_all_caps_words": lambda: mean([w.isupper() for w in raw]) if raw else None,
        "lines_ending_with_terminal_punctution_mark": lambda: mean(
            [x.rstrip().endswith((".", "!", "?", "”")) for x in lines]
        ),
        "lines_javascript_counts": lambda: mean([x.split().count("javascript") for x in lower_lines]),
        "lines_num_words": lambda: mean([len(x.split()) for x in lower_lines]),
        "lines_uppercase_letter_fraction": lambda: mean([sum(map(str.isupper, x)) / len(x) if x else 0 for x in lines]),
        "lines_numerical_chars_fraction": lambda: mean(
            [sum(map(str.isnumeric, x)) / len(x) if x else 0 for x in lower_lines]
        ),
        "lines_start_with_bulletpoint": lambda: mean([x.lstrip().startswith(BULLETS) for x in lines]),
    }[name]()


def test_the_model_and_the_signals_agree() -> None:
    assert set(get_args(Signal.model_fields["name"].annotation)) == set(SIGNALS)


@pytest.mark.parametrize("name", sorted(SIGNALS))
@settings(max_examples=30, deadline=None)
@given(batches)
def test_equals_the_formula(name: str, texts: list[str]) -> None:
    # Lower case and white space of a few characters differ between Python and Arrow; the pieces that rules know do not.
    texts = [re.sub(r"[^\x09\x0a\x20-\x7e…•é語。]", "", text) for text in texts]
    found = score(table(*texts), Signal.model_validate({"from": "signal", "name": name}))
    wanted = [plain(name, text) for text in texts]
    np.testing.assert_allclose(found, [np.nan if w is None else round(w, 8) for w in wanted], atol=1.01e-8)
