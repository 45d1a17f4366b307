"""What a published filter rule measures, as a score: to choose thresholds by, to sort or to select with.

Sources: Gopher (Rae et al. 2021), FineWeb (Penedo et al. 2024), by the very kernels that filter. Words are runs between
white space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.rules.fineweb_quality import fineweb_quality
from curation.rules.gopher_quality import gopher_quality
from curation.rules.gopher_repetition import gopher_repetition
from curation.rules.measured import Block, Measured
from schemas.rules import FineWeb, GopherQuality, GopherRepetition
from schemas.scorers import Statistic

QUALITY, FINEWEB = GopherQuality(), FineWeb()
MEASURES: dict[str, tuple[Callable[[Block, Any], Measured], Any, str]] = {
    "words": (gopher_quality, QUALITY, "gopher_short_doc"),
    "mean_word_length": (gopher_quality, QUALITY, "gopher_below_avg_threshold"),
    "hash_ratio": (gopher_quality, QUALITY, "gopher_too_many_hashes"),
    "bullet_line_ratio": (gopher_quality, QUALITY, "gopher_too_many_bullets"),
    "ellipsis_line_ratio": (gopher_quality, QUALITY, "gopher_too_many_end_ellipsis"),
    "alpha_word_ratio": (gopher_quality, QUALITY, "gopher_below_alpha_threshold"),
    "stop_words": (gopher_quality, QUALITY, "gopher_enough_stop_words"),
    "dup_para_ratio": (gopher_repetition, GopherRepetition(top_n_grams={}, dup_n_grams={}), "dup_para_frac"),
    "dup_para_char_ratio": (gopher_repetition, GopherRepetition(top_n_grams={}, dup_n_grams={}), "dup_para_char_frac"),
    "dup_line_ratio": (gopher_repetition, GopherRepetition(top_n_grams={}, dup_n_grams={}), "dup_line_frac"),
    "dup_line_char_ratio": (gopher_repetition, GopherRepetition(top_n_grams={}, dup_n_grams={}), "dup_line_char_frac"),
    **{
        f"top_{n}_gram_ratio": (
            gopher_repetition,
            GopherRepetition(top_n_grams={n: 1.0}, dup_n_grams={}),
            f"top_{n}_gram",
        )
        for n in (2, 3, 4)
    },
    **{
        f"dup_{n}_gram_ratio": (
            gopher_repetition,
            GopherRepetition(top_n_grams={}, dup_n_grams={n: 1.0}),
            f"duplicated_{n}_n_grams",
        )
        for n in range(5, 11)
    },
    "line_punct_ratio": (fineweb_quality, FINEWEB, "line_punct_ratio"),
    "short_line_ratio": (fineweb_quality, FINEWEB, "short_line_ratio"),
    "char_dup_ratio": (fineweb_quality, FINEWEB, "char_dup_ratio"),
    "list_ratio": (fineweb_quality, FINEWEB, "list_ratio"),
}
"""Statistic -> the rule set, its settings, and the rule that measures it."""


def statistic(documents: pa.Table, params: Statistic) -> npt.NDArray[np.float64]:
    """The value of the statistic: float64[n]; NaN where the text has nothing to measure (no word, no line)."""
    function, settings, wanted = MEASURES[params.name]
    measured = function(Block(as_text(documents["text"]), np.ones(len(documents), dtype=bool), documents), settings)
    return measured.values[:, [rule.name for rule in measured.rules].index(wanted)]
