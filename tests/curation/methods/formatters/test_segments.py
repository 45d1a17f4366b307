"""Segments cover their text, in code points, whatever the pieces."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.methods import formatters
from curation.methods.formatters.segments import Column, side_by_side
from schemas.formatters import Template

texts_of = st.text(max_size=30)


@given(st.lists(st.tuples(texts_of, texts_of, texts_of), min_size=1, max_size=8))
@settings(deadline=None)
def test_segments_cover_the_text(rows: list[tuple[str, str, str]]) -> None:
    kinds = [("metadata", False), ("prompt", False), ("answer", True)]
    columns = [
        Column(pa.array([row[i] for row in rows], pa.large_string()), kind, loss)
        for i, (kind, loss) in enumerate(kinds)
    ]
    made = side_by_side(columns)
    for row, text, segments in zip(rows, made.texts.to_pylist(), made.segments.to_pylist(), strict=True):
        assert text == "".join(row)
        assert [(text[s["start"] : s["end"]], s["kind"], s["loss"]) for s in segments] == [
            (piece, kind, loss) for piece, (kind, loss) in zip(row, kinds, strict=True) if piece
        ]


@given(st.lists(st.tuples(texts_of, st.none() | st.text("az.é{}%0", max_size=9)), min_size=1, max_size=8))
@settings(deadline=None)
def test_a_template_substitutes_names_only(rows: list[tuple[str, str | None]]) -> None:
    documents = pa.table(
        {
            "text": pa.array([text for text, _ in rows], pa.large_string()),
            "prompt": pa.nulls(len(rows), pa.large_string()),
            "domain": pa.array([domain for _, domain in rows], pa.string()),
        }
    )
    template = Template.model_validate({"template": "URL: {domain}\n\n"})
    made = formatters.render(documents, template, seed=0, phase="p")
    for (text, domain), written in zip(rows, made.texts.to_pylist(), strict=True):
        assert written == (f"URL: {domain}\n\n{text}" if domain else text)
