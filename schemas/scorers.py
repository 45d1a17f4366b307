"""Scorers: how a document gets a number. Members of the recipe's `tags`, told apart by `from`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.groupers import ColumnName, KMeans
from schemas.section import Section


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Paths = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=list[str] | str), Field(min_length=1)]


class Number(Section):
    """The number that stands in a column of the input file."""

    from_: Literal["number"] = Field(alias="from")
    """A number from an input column."""
    column: ColumnName
    """Column of the input file, before mapping; dots reach into structs. No score where a file lacks it."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "number"}


class Table(Section):
    """The number that a side table has for the document."""

    from_: Literal["table"] = Field(alias="from")
    """A number from a side table."""
    path: str | None = None
    """Parquet, JSON-lines or CSV file with one row a document; null is the loss report that a run is given (`--losses`), of which a
    document's last round counts, and with none no document has a number."""
    column: str
    """Column of the side table that holds the number; of a report `loss` or `correct`."""
    id_column: str = "id"
    """Column of the side table that names the document: by its own name (`columns.id`), else by the content id."""


class Tokens(Section):
    """How long the document is."""

    from_: Literal["tokens"] = Field(alias="from")
    """The document's length."""
    unit: Literal["tokens", "bytes", "chars", "words", "lines"] = "tokens"
    """tokens: UTF-8 bytes / 4, rounded up; words: runs between white space; lines: those that are not blank."""
    field: Literal["text", "prompt"] = "text"
    """What is measured."""


class Count(Section):
    """How many different labels a list column holds, e.g. the number of skills (SKILL-MIX's k)."""

    from_: Literal["count"] = Field(alias="from")
    """The number of labels."""
    column: ColumnName
    """Column of the input file that holds a list of labels."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "strings"}


class Reduce(Section):
    """One number of a list of numbers, e.g. the least reward of the steps (M-STaR) or the mean loss of the tokens."""

    from_: Literal["reduce"] = Field(alias="from")
    """A statistic of a list column."""
    column: ColumnName
    """Column of the input file that holds a list of numbers."""
    how: Literal["min", "max", "mean", "median", "sum"] = "mean"
    """The statistic."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "numbers"}


class Combined(Section):
    """Several scores as one: each is turned into its rank in the pool, 0 to 1, and the ranks are combined."""

    from_: Literal["combined"] = Field(alias="from")
    """A score of several."""
    scores: Annotated[list[str], Field(min_length=2)]
    """Tags declared before, or quality, tokens or copies: numbers."""
    how: Literal["max", "mean"] = "max"
    """The greatest rank (Nemotron-CC), or the mean by `weights` (QuaDMix)."""
    weights: list[Annotated[float, Field(ge=0)]] | None = None
    """Of the mean, one a score; null: all alike."""
    ranks: bool = True
    """false combines the scores themselves."""

    @model_validator(mode="after")
    def _one_weight_a_score(self) -> Combined:
        if self.weights is not None and self.how != "mean":
            raise ValueError("weights are of a mean; write how: mean, or leave them out")
        if self.weights is not None and (len(self.weights) != len(self.scores) or not sum(self.weights)):
            raise ValueError(f"{len(self.scores)} scores need as many weights, not all 0; got {self.weights}")
        return self


class Difference(Section):
    """One score less another, e.g. a teacher's less the student's (CoMD)."""

    from_: Literal["difference"] = Field(alias="from")
    """The difference of two scores."""
    of: str
    """A tag declared before, or quality, tokens or copies: a number."""
    less: str
    """What is taken from it: another."""


class Salt(Section):
    """The median loss of the tokens that are within a small model's reach (SALT): hard, and yet learnable."""

    from_: Literal["salt"] = Field(alias="from")
    """Median loss of the tokens in reach."""
    losses: ColumnName
    """Column of the input file: the small model's loss of each token, a list."""
    in_reach: ColumnName
    """Column of the input file: 1 where the token is among the small model's top predictions (paper: 10), else 0."""
    outside: Literal["drop", "zero"] = "drop"
    """Tokens out of reach are left out, or count as 0 (which of the two the paper means is not known)."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.losses: "numbers", self.in_reach: "numbers"}


class Cyclical(Section):
    """A weight made of a loss, as the cyclical curriculum draws with: 1/loss (easy first) and its relatives."""

    from_: Literal["cyclical"] = Field(alias="from")
    """A weight from a loss."""
    column: ColumnName
    """Column of the input file: the document's loss under a trained model."""
    kind: Literal["inverse", "loss", "exponential", "uniform"] = "inverse"
    """inverse: 1 / (loss + offset), easy first; loss: loss + offset, hard first; exponential: rate · e^(−rate · loss);
    uniform: 1."""
    offset: Annotated[float, Field(ge=0)] = 1e-6
    """Added to the loss, so that no weight is infinite (0.01 in the self-paced variants)."""
    rate: Annotated[float, Field(gt=0)] = 1.0
    """λ of the exponential kind."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "number"}


class Compression(Section):
    """How well the text compresses: its bytes / its bytes as zlib packs them; high is repetitive."""

    from_: Literal["compression"] = Field(alias="from")
    """Compression ratio."""
    max_bytes: Annotated[int, Field(ge=1)] | None = 1_000_000
    """Only so much of the beginning is packed; null packs all."""


class NgramOverlap(Section):
    """How much of the document stands in a target set, by word n-grams."""

    from_: Literal["ngram_overlap"] = Field(alias="from")
    """N-gram overlap with a target set."""
    target: Paths
    """JSON-lines, Parquet or text files (a line an item) that hold the target set."""
    target_column: str = "text"
    """Column of the target files that holds the text."""
    ngram: Annotated[int, Field(ge=1)] = 8
    """Words in an n-gram; words are lower-case runs of letters and digits."""
    share_of: Literal["document", "item"] = "document"
    """document: share of the document's n-grams that the target set has; item: the largest share of one item's words
    that lie in n-grams the document has (the coverage of TÜLU 3)."""


class Dsir(Section):
    """DSIR's log importance weight: how much likelier the document's n-grams are in the target set than in the pool."""

    from_: Literal["dsir"] = Field(alias="from")
    """DSIR's log ratio."""
    target: Paths
    """JSON-lines, Parquet or text files (a line a document) that hold the target set."""
    target_column: str = "text"
    """Column of the target files that holds the text."""
    ngram: Annotated[int, Field(ge=1, le=5)] = 2
    """N-grams up to this length are hashed."""
    buckets: Annotated[int, Field(ge=2)] = 10_000
    """How many buckets they are hashed into."""
    smoothing: Annotated[float, Field(gt=0)] = 1e-8
    """Added to each probability before the logarithm."""
    min_words: Annotated[int, Field(ge=0)] = 100
    """Documents with fewer words have no score."""


class ClusterDistance(KMeans):
    """Distance of the document's embedding to the nearest k-means centre; low is typical (Auto-CoT)."""

    from_: Literal["cluster_distance"] = Field(alias="from")
    """Distance to the centre; with the settings of a `clusters` tag, to the centre of that cluster."""


class NeighbourAgreement(Section):
    """The share of a document's nearest neighbours, by cosine, that have its label; under 1/2 a label is suspect (LOOK)."""

    from_: Literal["neighbour_agreement"] = Field(alias="from")
    """Whether neighbours have the same label."""
    embedding: ColumnName
    """Column of the input file that holds each document's vector: a list of numbers, of one length."""
    label: ColumnName
    """Column of the input file that holds its label."""
    k: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many neighbours; the document itself is none."""
    sample: Annotated[int, Field(ge=2)] = 50_000
    """Neighbours are sought among so many documents."""

    @property
    def cosine(self) -> bool:
        """Vectors are scaled to length 1."""
        return True

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.embedding: "numbers", self.label: "string"}


class AutoCot(Section):
    """1 where prompt and rationale are simple enough to demonstrate, by Auto-CoT's heuristics, else 0."""

    from_: Literal["auto_cot"] = Field(alias="from")
    """Auto-CoT's heuristics: the prompt is the question, the text is the rationale."""
    answer: ColumnName | None = None
    """Column of the input file with the final answer, which must not be empty; null does not ask for one."""
    max_question_words: Annotated[int, Field(ge=1)] = 60
    """Words of the question at most."""
    max_lines: Annotated[int, Field(ge=1)] = 5
    """Lines of the rationale at most (7 for last letters)."""
    answer_in_end: bool = False
    """Arithmetic sets: the answer stands in the last sentence or is among the last ten words."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {} if self.answer is None else {self.answer: "string"}


class Statistic(Section):
    """What a published filter rule measures, by the very function that filters (Gopher, FineWeb)."""

    from_: Literal["statistic"] = Field(alias="from")
    """A rule's statistic."""
    name: Literal[
        "words",
        "mean_word_length",
        "hash_ratio",
        "bullet_line_ratio",
        "ellipsis_line_ratio",
        "alpha_word_ratio",
        "stop_words",
        "dup_para_ratio",
        "dup_para_char_ratio",
        "dup_line_ratio",
        "dup_line_char_ratio",
        "top_2_gram_ratio",
        "top_3_gram_ratio",
        "top_4_gram_ratio",
        "dup_5_gram_ratio",
        "dup_6_gram_ratio",
        "dup_7_gram_ratio",
        "dup_8_gram_ratio",
        "dup_9_gram_ratio",
        "dup_10_gram_ratio",
        "line_punct_ratio",
        "short_line_ratio",
        "char_dup_ratio",
        "list_ratio",
    ]
    """Which: of gopher_quality (words to stop_words), gopher_repetition (dup_ and top_), fineweb (the rest)."""


class Signal(Section):
    """A quality signal of RedPajama-V2 (Weber et al. 2024), as its code computes it; rounded to 8 digits."""

    from_: Literal["signal"] = Field(alias="from")
    """A quality signal of RedPajama-V2."""
    name: Literal[
        "ccnet_length",
        "ccnet_nlines",
        "rps_doc_curly_bracket",
        "rps_doc_lorem_ipsum",
        "rps_doc_num_sentences",
        "rps_doc_word_count",
        "rps_doc_mean_word_length",
        "rps_doc_symbol_to_word_ratio",
        "rps_doc_frac_lines_end_with_ellipsis",
        "rps_doc_frac_no_alph_words",
        "rps_doc_frac_unique_words",
        "rps_doc_unigram_entropy",
        "rps_doc_frac_all_caps_words",
        "rps_doc_frac_chars_top_2gram",
        "rps_doc_frac_chars_top_3gram",
        "rps_doc_frac_chars_top_4gram",
        "rps_doc_frac_chars_dupe_5grams",
        "rps_doc_frac_chars_dupe_6grams",
        "rps_doc_frac_chars_dupe_7grams",
        "rps_doc_frac_chars_dupe_8grams",
        "rps_doc_frac_chars_dupe_9grams",
        "rps_doc_frac_chars_dupe_10grams",
        "rps_lines_ending_with_terminal_punctution_mark",
        "rps_lines_javascript_counts",
        "rps_lines_num_words",
        "rps_lines_uppercase_letter_fraction",
        "rps_lines_numerical_chars_fraction",
        "rps_lines_start_with_bulletpoint",
    ]
    """Which; of a signal that is measured line by line, the mean over the lines."""


class Perplexity(Section):
    """Perplexity under a KenLM model: of the lines' words, end of line included (Heafield 2011; CCNet)."""

    from_: Literal["perplexity"] = Field(alias="from")
    """Perplexity under a KenLM model; needs the package kenlm."""
    model: str
    """A KenLM model file, .arpa or .bin."""
    lower: bool = False
    """The text in lower case, for models that were trained so."""


Scorer = (
    Number
    | Table
    | Tokens
    | Count
    | Reduce
    | Combined
    | Difference
    | Salt
    | Cyclical
    | Compression
    | NgramOverlap
    | Dsir
    | ClusterDistance
    | NeighbourAgreement
    | AutoCot
    | Statistic
    | Signal
    | Perplexity
)
