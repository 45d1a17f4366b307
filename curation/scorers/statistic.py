"""What a published filter rule measures, as a score: to choose thresholds by, to sort or to select with.

Sources: Gopher (Rae et al. 2021), FineWeb (Penedo et al. 2024), by the very functions that filter: the rule is asked alone, with a
bound that no text meets, and tells its value. Words are runs between white space.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrow_text import as_text
from curation.rules.fineweb_quality import fineweb_quality
from curation.rules.gopher_quality import gopher_quality
from curation.rules.gopher_repetition import gopher_repetition
from curation.rules.verdicts import Failure
from schemas.rules import FineWeb, GopherQuality, GopherRepetition
from schemas.scorers import Statistic

NEVER_ENOUGH, NEVER_FEW = 10**9, -1.0


def _quality(field: str, bound: float) -> Callable[[str], Failure | None]:
    off = dict.fromkeys((name for name in GopherQuality.model_fields if name.startswith(("min_", "max_"))), None)
    params = GopherQuality.model_validate({**off, field: bound})
    return lambda text: gopher_quality(text, text.split(), params)


def _repetition(field: str, bound: float | dict[int, float]) -> Callable[[str], Failure | None]:
    off = dict.fromkeys((name for name in GopherRepetition.model_fields if name.startswith("max_")), None)
    params = GopherRepetition.model_validate({**off, "top_n_grams": {}, "dup_n_grams": {}, field: bound})
    return lambda text: gopher_repetition(text, text.split(), params) if text else None


def _fineweb(field: str, bound: float) -> Callable[[str], Failure | None]:
    off = dict.fromkeys((name for name in FineWeb.model_fields if name.startswith(("min_", "max_"))), None)
    params = FineWeb.model_validate({**off, field: bound})
    return lambda text: fineweb_quality(text, text.split(), params) if text.strip() else None


MEASURES: dict[str, Callable[[str], Failure | None]] = {
    "words": _quality("min_doc_words", NEVER_ENOUGH),
    "mean_word_length": _quality("min_avg_word_length", NEVER_ENOUGH),
    "hash_ratio": _quality("max_symbol_word_ratio", NEVER_FEW),
    "bullet_line_ratio": _quality("max_bullet_lines_ratio", NEVER_FEW),
    "ellipsis_line_ratio": _quality("max_ellipsis_lines_ratio", NEVER_FEW),
    "alpha_word_ratio": _quality("min_alpha_words_ratio", NEVER_ENOUGH),
    "stop_words": _quality("min_stop_words", NEVER_ENOUGH),
    "dup_para_ratio": _repetition("max_dup_para_frac", NEVER_FEW),
    "dup_para_char_ratio": _repetition("max_dup_para_char_frac", NEVER_FEW),
    "dup_line_ratio": _repetition("max_dup_line_frac", NEVER_FEW),
    "dup_line_char_ratio": _repetition("max_dup_line_char_frac", NEVER_FEW),
    **{f"top_{n}_gram_ratio": _repetition("top_n_grams", {n: NEVER_FEW}) for n in (2, 3, 4)},
    **{f"dup_{n}_gram_ratio": _repetition("dup_n_grams", {n: NEVER_FEW}) for n in range(5, 11)},
    "line_punct_ratio": _fineweb("min_line_punct_ratio", NEVER_ENOUGH),
    "short_line_ratio": _fineweb("max_short_line_ratio", NEVER_FEW),
    "char_dup_ratio": _fineweb("max_char_dup_ratio", NEVER_FEW),
    "list_ratio": _fineweb("max_list_ratio", NEVER_FEW),
}
"""Statistic -> (text) to the failure that names its value."""


def statistic(documents: pa.Table, params: Statistic) -> npt.NDArray[np.float64]:
    """The value of the statistic: float64[n]; NaN where the text has nothing to measure (no word, no line)."""
    measure = MEASURES[params.name]
    found = [measure(text) for text in as_text(documents["text"]).to_pylist()]
    return np.array([np.nan if failure is None else failure[1] for failure in found], dtype=np.float64)
