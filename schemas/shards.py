"""How training shards are written, and what a token is."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.section import Section

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_bytes(value: object) -> object:
    """Bytes of '256MB', '1GiB' or a number."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B)\s*", value.upper())
    if match is None:
        raise ValueError("write a number of bytes or a size like 256MB, 1GB or 512MiB")
    return int(float(match[1]) * _UNITS[match[2]])


ByteSize = Annotated[
    int,
    BeforeValidator(
        parse_bytes, json_schema_input_type=int | Annotated[str, Field(pattern=r"(?i)^\s*\d+(\.\d+)?\s*[KMG]?i?B\s*$")]
    ),
]


SegmentKind = Literal[
    "metadata",
    "mode",
    "prompt",
    "demonstration",
    "thought",
    "content",
    "answer",
    "system",
    "user",
    "assistant",
    "tool",
    "masked",
    "user_text",
    "user_speech",
    "model_text",
    "model_speech",
]
Method = Literal["concat", "complete", "best_fit"]
Special = Literal["auto"] | Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]
"""A special token: the tokenizer's own, or an id, or a token as the tokenizer writes it."""


class Packing(Section):
    """How documents fill sequences. What it cost stands in the manifest: `padded` and `dropped_tokens`, `cut` documents."""

    method: Method = "concat"
    """concat: one after another, cut where a sequence ends, the rest opens the next. complete: every sequence begins with a
    document's beginning, what overflows of its last one is thrown away (MeCo). best_fit: documents are moved, within `window`,
    so that few are cut: only those longer than a sequence; rows are filled up."""
    begin: Special | None = "auto"
    """Stands before each document; trained on where the document's first token is, so never with a prefix. `auto` is the
    tokenizer's own, which it must then have; null writes none."""
    end: Special | None = "auto"
    """Stands behind each document, with loss. Like `begin`."""
    pad: Special | None = "auto"
    """Fills up sequences, without loss and outside of every document. Like `begin`; null fills with token 0."""
    window: Annotated[int, Field(ge=0)] | None = None
    """Of best_fit: a document moves by fewer documents than this; 0 keeps the curriculum's order, null is a row group."""
    min_span: Annotated[int, Field(ge=1)] = 1
    """Of concat and complete: a sequence is filled up rather than ended with fewer tokens of a document that goes on, and a rest
    of fewer is thrown away."""
    groups: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """A tag, source or language: documents of different labels never share a sequence. Null: they may."""
    offsets: bool = False
    """Write `doc_offsets`: of each span how many tokens of its document (begin and end among them) come before it. 0 but where a
    document was cut: the rest of one is known by it, and positions may go on in it."""

    @model_validator(mode="after")
    def _of_its_method(self) -> Packing:
        if self.window is not None and self.method != "best_fit":
            raise ValueError(f"window is for best_fit; {self.method} keeps the order")
        if self.min_span > 1 and self.method == "best_fit":
            raise ValueError("min_span is for concat and complete; best_fit cuts only what is longer than a sequence")
        return self


class LossWeights(Section):
    """What a loss counts: the product of a segment's, its turn's and its record's weight, beside the flags that say where there is
    any. A turn's is in the data (`weight`); nothing said is 1."""

    kinds: dict[SegmentKind, Annotated[float, Field(ge=0)]] = {}
    """Kind of segment -> weight (PTR: thoughts less than the answer). A kind that has no loss gets none by this."""
    record: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """A tag with numbers, the record's weight (DoReMi's, a table's); null in it is 1, what is below 0 is 0."""


TOKEN_TYPE = r"^(int32|float32)(\[[1-9][0-9]{0,3}\])?$"


class Shards(Section):
    """The Parquet files of a release."""

    max_bytes: Annotated[ByteSize, Field(ge=1)] = 256_000_000
    """Text bytes after which the next shard begins (before compression); also the memory that writing needs."""
    compression: Literal["zstd", "snappy", "gzip", "lz4", "none"] = "zstd"
    """Parquet compression."""
    tokenizer: str | None = None
    """A Hugging Face `tokenizer.json` (or the folder that has it), a SentencePiece `.model`, or a `.tiktoken` file; budgets and the column `tokens` count its tokens. Null: UTF-8 bytes / 4, rounded up."""
    copies: bool = False
    """Write how many documents each one stands for, itself and its copies, as a column `copies` (int64) after the tags."""
    loss_weights: LossWeights | None = None
    """Write a column `loss_weight`, a number a segment (packed: `loss_weights`, a token); null writes none."""
    token_columns: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Annotated[str, Field(pattern=TOKEN_TYPE)]
    ] = {}
    """Columns of the input with something for each token of the text (of an instruction: of its answer), such as a teacher's
    likeliest tokens and their probabilities (SALT), written beside `input_ids`: `{teacher_ids: "int32[10]",
    teacher_probabilities: "float32[10]", student_loss: float32}`, a number a token or so many. The recipe's tokenizer, without
    special tokens, must have cut the text; a document that cleaning changed, or whose lists have another length, has null
    (packed: 0)."""
    sequence_length: Annotated[int, Field(ge=8)] | None = None
    """Pack documents into sequences of this many tokens (needs a tokenizer); a shard's last sequence is filled up. Null: one
    row a document."""
    packing: Packing | None = None
    """How they are packed, and which tokens stand around them. Null: one after another without begin and end, filled up with
    token 0."""

    @model_validator(mode="after")
    def _packed_needs_tokenizer(self) -> Shards:
        if self.sequence_length is not None and self.tokenizer is None:
            raise ValueError("sequence_length packs tokens: set shards.tokenizer too")
        if self.token_columns and self.tokenizer is None:
            raise ValueError("token_columns stand beside a text's tokens: set shards.tokenizer too")
        if self.sequence_length is not None and self.copies:
            raise ValueError(
                "packed sequences hold several documents, and so no column copies: set shards.copies to false"
            )
        if self.packing is not None and self.sequence_length is None:
            raise ValueError("packing fills sequences: set shards.sequence_length too, or packing to null")
        if self.packing is not None and self.sequence_length and self.packing.min_span > self.sequence_length // 2:
            raise ValueError("packing.min_span is at most half of sequence_length")
        return self

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {name: "numbers" if width is None else "number_lists" for name, (_, width) in self.token_types().items()}

    def token_types(self) -> dict[str, tuple[str, int | None]]:
        """Of each token column its number's type and how many a token; None: one.

        >>> Shards(tokenizer="t.json", token_columns={"ids": "int32[10]", "loss": "float32"}).token_types()
        {'ids': ('int32', 10), 'loss': ('float32', None)}
        """
        return {name: _typed(kind) for name, kind in self.token_columns.items()}

    @property
    def packs(self) -> Packing:
        """How sequences are packed, null written out."""
        return self.packing or Packing(begin=None, end=None, pad=None)


def _typed(kind: str) -> tuple[str, int | None]:
    number, bracket, width = kind.partition("[")
    return number, int(width[:-1]) if bracket else None
