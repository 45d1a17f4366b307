"""Streams with times as one text: each stream is cut into chunks, and the chunks are put in the order of their times.

Source: OmniFlatten (Zhang et al. 2024), section 3: chunks of 2 text tokens and of 10 speech tokens are flattened into one sequence; stages
leave streams out. Words, or speech units between white space, stand for tokens; a chunk's time is that of its first one, with an item's
units spread evenly between its begin and its end.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from curation.methods.formatters.item_lists import items_of, written
from curation.methods.formatters.segments import Formatted
from schemas.formatters import Timeline
from schemas.tables import STREAM_KINDS


def timeline(documents: pa.Table, params: Timeline, *, seed: int, phase: str) -> Formatted:
    """Chunks of the streams, each a segment of its stream's kind; a space between chunks.

    Refused: a record whose lists differ in length, one with a stream that there is not, or a time that is none, and one without any
    item that is written.
    """
    items = items_of(documents, [params.texts, params.stream, params.start, params.end])
    frame = items.frame.select(
        "row",
        "item",
        text=pl.col(params.texts),
        kind=pl.col(params.stream),
        start=pl.col(params.start).cast(pl.Float64, strict=False),
        end=pl.col(params.end).cast(pl.Float64, strict=False),
    )
    strange = frame.filter(~pl.col("kind").is_in(STREAM_KINDS))["row"].unique().to_list()
    timeless = (
        frame.filter(
            ~(pl.col("start").is_finite() & pl.col("end").is_finite() & (pl.col("end") >= pl.col("start"))).fill_null(
                False
            )
        )["row"]
        .unique()
        .to_list()
    )
    refused = {
        **dict.fromkeys(timeless, "an item's times are not two numbers in order"),
        **dict.fromkeys(strange, f"an item's stream is none of {', '.join(STREAM_KINDS)}"),
        **items.refused,
    }
    order = {name: number for number, name in enumerate(params.streams)}
    size = {name: stream.chunk for name, stream in params.streams.items()}
    loss = {name: stream.loss for name, stream in params.streams.items()}
    units = (
        frame.filter(pl.col("kind").is_in(list(order)) & ~pl.col("row").is_in(list(refused)))
        .with_columns(
            units=pl.col("text").str.extract_all(r"\S+"),
            size=pl.col("kind").replace_strict(size, return_dtype=pl.Int64),
        )
        .filter(pl.col("units").list.len() > 0)
        .with_columns(count=pl.col("units").list.len())
        .explode("units")
        .with_columns(unit=pl.int_range(pl.len()).over("row", "item"))
        .with_columns(chunk=pl.col("unit") // pl.col("size"))
    )
    chunks = (
        units.group_by("row", "item", "chunk", maintain_order=True)
        .agg(
            pl.col("units").str.join(" ").alias("text"),
            pl.col("kind").first(),
            (pl.col("start") + (pl.col("end") - pl.col("start")) * pl.col("unit") / pl.col("count"))
            .first()
            .alias("time"),
        )
        .with_columns(stream=pl.col("kind").replace_strict(order, return_dtype=pl.Int64))
        .sort("row", "time", "stream", "item", "chunk")
        .with_columns(
            text=pl.when(pl.col("row") == pl.col("row").shift(-1)).then(pl.col("text") + " ").otherwise(pl.col("text")),
            loss=pl.col("kind").replace_strict(loss, return_dtype=pl.Boolean),
        )
    )
    return written(documents, chunks, refused)
