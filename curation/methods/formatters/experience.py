"""What was done and seen in a world, as a plan to be made or as a question about what happened.

Source: language models meet world models (Xiang et al. 2023): goal-directed experiences become plan records, random ones questions about
what happened; loss on the plan and on the answer.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from curation import seeds
from curation.arrays.document_ids import id_words
from curation.methods.formatters.item_lists import items_of, written
from curation.methods.formatters.segments import Formatted
from curation.methods.formatters.values import value_of
from schemas.formatters import Experience


def experience(documents: pa.Table, params: Experience, *, seed: int, phase: str) -> Formatted:
    """A ``prompt`` without loss and an ``answer`` with loss.

    A plan's prompt is the goal, its answer the numbered actions. A question's prompt is the goal and the numbered steps (action, and what was
    seen, but for one step, drawn by seed, phase and id), its answer what was seen there. Refused: lists of different lengths, or none.
    """
    items = items_of(documents, [params.actions, params.observations])
    steps = items.frame.select(
        "row", "item", action=pl.col(params.actions), seen=pl.col(params.observations)
    ).with_columns(step=pl.format("{}. {}", pl.col("item") + 1, pl.col("action")))
    goals = pl.DataFrame(
        {
            "row": np.arange(len(documents)),
            "goal": pl.Series(value_of(documents, params.goal)).fill_null(""),
            "draw": seeds.uniforms(seeds.keys(seed, phase, "experience", ids=id_words(documents["id"]))),
        }
    )
    if params.write == "plan":
        made = steps.group_by("row", maintain_order=True).agg(answer=pl.col("step").str.join("\n"))
        made = made.join(goals, on="row").with_columns(prompt=pl.format("Goal: {}\nPlan:\n", "goal"))
    else:
        asked = steps.join(goals, on="row").with_columns(count=pl.len().over("row"))
        asked = asked.with_columns(ask=(pl.col("draw") * pl.col("count")).floor().cast(pl.Int64))
        hidden = pl.col("item") == pl.col("ask")
        made = (
            asked.with_columns(line=pl.when(hidden).then("step").otherwise(pl.format("{}: {}", "step", "seen")))
            .group_by("row", maintain_order=True)
            .agg(
                pl.col("goal").first(),
                (pl.col("ask").first() + 1).alias("number"),
                pl.col("line").str.join("\n").alias("lines"),
                pl.col("seen").filter(hidden).first().alias("answer"),
            )
            .with_columns(prompt=pl.format("Goal: {}\n{}\nWhat was seen after step {}?\n", "goal", "lines", "number"))
        )
    pieces = pl.concat(
        [
            made.select("row", text="prompt", kind=pl.lit("prompt"), loss=False, place=0),
            made.select("row", text="answer", kind=pl.lit("answer"), loss=True, place=1),
        ]
    ).sort("row", "place")
    return written(documents, pieces, items.refused)
