"""Documents to format, and what comes out piece by piece."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from curation.methods import formatters
from schemas.formatters import Conditioning

PARSE = TypeAdapter(Conditioning)


def documents(texts: list[str], prompts: list[str | None] | None = None, **tags: list[Any]) -> pa.Table:
    """Documents with ids that are their number; a list of lists is a tag with several items."""
    n = len(texts)
    columns: dict[str, Any] = {
        "id": pa.array([f"{i:032x}" for i in range(n)], pa.string()),
        "text": pa.array(texts, pa.large_string()),
        "prompt": pa.array(prompts, pa.large_string()) if prompts is not None else pa.nulls(n, pa.large_string()),
    }
    for name, values in tags.items():
        columns[name] = pa.array(values, pa.list_(pa.string()) if isinstance(values[0], list) else None)
    return pa.table(columns)


def written(table: pa.Table, seed: int = 0, phase: str = "p", **fields: Any) -> list[list[tuple[str, str, bool]]]:
    """(text, kind, loss) of each segment of each document; checks that segments cover the text."""
    made = formatters.render(table, PARSE.validate_python(fields), seed=seed, phase=phase)
    result = []
    for text, segments in zip(made.texts.to_pylist(), made.segments.to_pylist(), strict=True):
        assert "".join(text[s["start"] : s["end"]] for s in segments) == text
        result.append([(text[s["start"] : s["end"]], s["kind"], s["loss"]) for s in segments])
    return result
