"""The tables between the stages: their Arrow schemas are the only contract between them."""

from __future__ import annotations

import pyarrow as pa

SEGMENTS = pa.list_(
    pa.struct([("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string()), ("loss", pa.bool_())])
)
"""Half-open spans of a text in Unicode code points."""

TURN_KINDS = ("system", "user", "assistant", "tool")
"""Roles of turns, and kinds of the segments that they are written as."""
STREAM_KINDS = ("user_text", "user_speech", "model_text", "model_speech")
"""Streams of a dialogue, and kinds of the segments that they are written as."""
SEGMENT_KINDS = (
    *("metadata", "mode", "prompt", "demonstration", "thought", "content", "answer"),
    *(*TURN_KINDS, "masked", *STREAM_KINDS),
)

DOCUMENTS = pa.schema(
    [
        ("slice", pa.int32()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("name", pa.string()),
        ("text", pa.large_string()),
        ("prompt", pa.large_string()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("quality", pa.float32()),
    ]
)
"""*prepare* writes one table a partition: what cleaning kept, by slice and row of its file; then the input columns that tags
read, named ``column:<dotted name>``. Neither path nor source stands in it: the same bytes under another name are the same."""

RECORD = pa.schema(
    [
        ("turns", pa.list_(pa.large_string())),
        ("calls", pa.list_(pa.large_string())),
        ("marks", pa.list_(pa.struct([("role", pa.string()), ("weight", pa.float32()), ("part", pa.int8())]))),
        ("ground_truth", pa.large_string()),
        ("verifier", pa.large_string()),
    ]
)
"""What a table of documents has besides where its source's records are made of turns: what each says, its tool calls (JSON, empty
for none), and of each turn its role, its weight (null: the role's own) and its part: 0 for all, 1 in the chosen conversation of a
preference only, 2 in the rejected one only. ``text`` is then what ``curation/turns.py`` makes of them."""

SET_ASIDE = pa.schema(
    [
        ("slice", pa.int32()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("name", pa.string()),
        ("url", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("excerpt", pa.string()),
    ]
)
"""*prepare* writes one table a partition: what cleaning dropped, and why."""

POOL = pa.schema(
    [
        ("partition", pa.int32()),
        ("index", pa.int32()),
        ("id", pa.binary(16)),
        ("bytes", pa.int64()),
        ("tokens", pa.int32()),
    ]
)
"""The pool holds no text: where a document stands (partition, row of its documents table), its size, then one column
a name that plan, schedule or a template may use."""

BORDERS = pa.schema(
    [
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("excerpt", pa.string()),
    ]
)
"""``samples/borders.parquet``: documents that a rule just kept."""

DUPLICATES = pa.schema(
    [
        ("kept_id", pa.string()),
        ("kept_source", pa.string()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("similarity", pa.float64()),
        ("cluster", pa.int64()),
        ("same", pa.int64()),
        ("removed", pa.int64()),
        ("added", pa.int64()),
        ("changes", pa.list_(pa.struct([("there", pa.string()), ("here", pa.string())]))),
    ]
)
"""``samples/duplicates.parquet``: near duplicates and what stays, in words; ``cluster``: how many it stays for, 0 for
pairs just under the bound, of which both stay."""

REPEATED = pa.schema(
    [
        ("first_id", pa.string()),
        ("first_start", pa.int64()),
        ("bytes", pa.int64()),
        ("times", pa.int64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("start", pa.int64()),
        ("excerpt", pa.string()),
    ]
)
"""``samples/substrings.parquet``: some spans that stood before, the longest and the most frequent; ``times``: how often a span of
so many bytes has this first occurrence; then one of them, and its first characters."""

LEDGER = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("url", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_id", pa.string()),
        ("excerpt", pa.string()),
    ]
)
"""``dropped/<stage>/*.parquet``: every document that did not make it, and why."""

CLUSTERS = pa.schema(
    [
        ("cluster", pa.string()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("stays", pa.bool_()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("kept_id", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""``duplicates/*.parquet``: the documents of clusters of exact and near duplicates. ``cluster``: the id of the one that stays in the
end (in a stream maybe with an earlier release); ``kept_id``: the one that this went for, ``similarity``: to that one."""

DECISIONS = pa.schema(
    [
        ("index", pa.int64()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_id", pa.string()),
    ]
)
"""What a global stage drops of one partition; ``index`` is the row of its documents table."""

SPANS = pa.schema(
    [
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("first_id", pa.string()),
        ("first_start", pa.int64()),
    ]
)
"""The spans of a partition that stood before: bytes of the texts of its documents table."""

SUBSTRINGS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("first_id", pa.string()),
        ("first_start", pa.int64()),
    ]
)
"""``substrings/*.parquet``: bytes [start, end) of a text before the cut, and where the same stand first from ``start`` on."""

PLACES = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("url", pa.string()),
    ]
)
"""``documents/*.parquet``: every document that was read, kept or dropped, and where it came from."""

STATISTICS = pa.schema(
    [("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("row", pa.int64())],
)
"""``statistics/*.parquet``: every document that came to the rules; then a column a rule, ``<set>.<rule>``, with what it
measured (the field's metadata say which values drop), and ``drops``, all rules that drop, where all verdicts are asked for."""

SHARD = pa.schema(
    [
        ("position", pa.int64()),
        ("phase", pa.string()),
        ("epoch", pa.int32()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("text", pa.large_string()),
        ("segments", SEGMENTS),
        ("tokens", pa.int32()),
        ("url", pa.string()),
        ("language", pa.string()),
        ("quality", pa.float32()),
    ]
)
"""A training shard: these columns, then the tags, then ``input_ids`` and ``loss_mask`` where a tokenizer is set."""

PACKED = pa.schema(
    [
        ("position", pa.int64()),
        ("phase", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("loss_mask", pa.list_(pa.uint8())),
        ("doc_ids", pa.list_(pa.string())),
        ("doc_spans", pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))),
    ]
)
"""A training shard of packed sequences."""
DOC_OFFSETS = pa.field("doc_offsets", pa.list_(pa.int32()))
"""Of each span how many tokens of its document come before it, where the recipe asks for it."""
WEIGHTS_A_TOKEN = pa.field("loss_weights", pa.list_(pa.float32()))
"""A column of packed shards where the recipe sets weights; then come offsets and token columns, where it has them."""
TOKEN_TYPES = {"int32": pa.int32(), "float32": pa.float32()}
"""What a token column holds a token, or so many of."""


def token_field(name: str, type_: str, width: int | None) -> pa.Field:
    """The field of a token column, the last of a shard: a list a row, of numbers or of so many numbers each."""
    number = TOKEN_TYPES[type_]
    return pa.field(name, pa.list_(number if width is None else pa.list_(number, width)))


REFERENCES = pa.schema(
    [
        ("position", pa.int64()),
        ("phase", pa.string()),
        ("epoch", pa.int32()),
        ("row", pa.int64()),
    ]
)
"""A shard of one of a swarm's runs: ``row`` is the position, in the shards of the swarm's texts, of what is read."""

SWARM = pa.schema([("run", pa.int32()), ("release", pa.string()), ("group", pa.string()), ("weight", pa.float64())])
"""``swarm.parquet``: the weights of each run, a row a run and group."""

STAGES = (
    "read",
    "language",
    "rules",
    "classifier",
    "pii",
    "exact",
    "minhash",
    "paragraphs",
    "substrings",
    "history",
    "decontaminate",
    "schedule",
)
"""Names of the stages in funnel and ledger, in this order."""

EXCERPT_CHARS = 200
NO_LABEL = "(none)"
"""The group of a document without a label."""


DECIDED = pa.schema([("partition", pa.int32()), *DECISIONS])
"""Decisions on all partitions, one row a dropped document."""
