"""What a rule set says of a batch of documents."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Verdicts:
    """texts: large_string[n], rewritten or as given; rule: int16[n], -1 keeps, else an index into reasons; value,
    threshold: float64[n], what was measured and its bound; edits: rule -> (documents, places) rewritten."""

    texts: pa.LargeStringArray
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    edits: dict[str, tuple[int, int]] = field(default_factory=dict)


Failure = tuple[str, float, float]
"""The first rule that drops a document: reason, value, threshold."""


def collect(texts: pa.LargeStringArray, failures: list[Failure | None]) -> Verdicts:
    """Verdicts of one failure, or none, a document."""
    reasons = tuple(dict.fromkeys(failure[0] for failure in failures if failure is not None))
    place = {reason: i for i, reason in enumerate(reasons)}
    rule = np.array([-1 if f is None else place[f[0]] for f in failures], dtype=np.int16)
    value = np.array([np.nan if f is None else f[1] for f in failures], dtype=np.float64)
    threshold = np.array([np.nan if f is None else f[2] for f in failures], dtype=np.float64)
    return Verdicts(texts, rule, reasons, value, threshold)
