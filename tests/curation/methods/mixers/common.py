"""Groups and loss reports for the tests of mixers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curation.methods.losses import LossReport, read_losses
from curation.methods.mixers import MixContext, Sizes, mix


def sizes(**tokens: float) -> Sizes:
    """Groups with these tokens, ten tokens a document."""
    labels = tuple(sorted(tokens))
    amounts = np.array([tokens[label] for label in labels], dtype=np.float64).astype(np.int64)
    return Sizes(labels, np.maximum(amounts // 10, 1), amounts)


def numbered(*tokens: float) -> Sizes:
    """Groups named 00, 01, … with these tokens."""
    return sizes(**{f"{i:02}": t for i, t in enumerate(tokens)})


def weights(groups: Sizes, params: Any, **context: Any) -> np.ndarray:
    return mix(groups, params, MixContext(**context))


def report(folder: Path, rows: Sequence[dict[str, Any]]) -> LossReport:
    """A loss report of these rows; what a row does not say is filled in."""
    path = folder / "losses.jsonl"
    base = {"run_id": "r", "round": 0, "step": 0, "eval_index": 0, "loss": 0.0}
    path.write_text("".join(json.dumps({**base, **row}) + "\n" for row in rows), encoding="utf-8")
    return read_losses(str(path))
