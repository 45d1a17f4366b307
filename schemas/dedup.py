"""Settings of deduplication: exact copies, near duplicates by MinHash, repeated paragraphs and substrings, and the history."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.groupers import KMeans
from schemas.section import Section


class Normalise(Section):
    """What two texts may differ in and still be compared as equal.

    FineWeb has all of it on, which suits prose from the web; the presets of FineWeb set it so. On by default is only what
    keeps different documents different in code, tables, mathematics, logs and forms too: each was tried on such data.
    """

    case: bool = True
    """Lower-case, character by character (final sigma counts as sigma). On: without it a third of the copies that differ in
    format alone is missed; names that differ in case alone are rare."""
    accents: bool = False
    """Decompose (NFD) and strip non-spacing marks. Off: año is not ano, and copies lose nothing to speak of (1 pair of 372)."""
    punctuation: bool = False
    """Punctuation and control characters count as white space (datatrove's list). Off: signs and operators are among them,
    so that `a < b` would be `a > b`; copies lose nothing to speak of (1 pair of 372)."""
    digits: bool = False
    """A number, with at most one decimal part, counts as `0`. Off: of sums, tables, function calls and bookings that differ
    in their numbers, one in a hundred would stay."""
    whitespace: bool = True
    """Runs of white space count as one space, none at the ends. Word n-grams never see white space."""


class MinHash(Section):
    """Near duplicates by MinHash with banding (Broder 1997; FineWeb's 14 bands of 8 rows over word 5-grams).

    Two documents of Jaccard similarity s share a band with probability 1 - (1 - s^rows)^bands: 0.57 at s = 0.7,
    0.92 at 0.8, 0.99 at 0.85 for 14 x 8.
    """

    ngram: Annotated[int, Field(ge=1, le=64)] = 5
    """Units of a shingle. A text of fewer units has one shingle: all of it."""
    unit: Literal["words", "characters"] = "words"
    """What a shingle is made of. In scripts without spaces (Chinese, Japanese, Thai ...) each character is a word."""
    bands: Annotated[int, Field(ge=1, le=256)] = 14
    """Bands: one agreement in any of them makes two documents candidates."""
    rows: Annotated[int, Field(ge=1, le=64)] = 8
    """Permutations in a band; all must agree."""
    min_similarity: Annotated[float, Field(gt=0, le=1)] | None = 0.7
    """Candidates less similar than this (share of equal permutations) are no duplicates; null: every band counts."""
    verify: Literal["signature", "jaccard"] = "signature"
    """What `min_similarity` bounds: the signatures' estimate, or the exact Jaccard (reads candidates' texts again)."""
    linkage: Literal["star", "single"] = "star"
    """star: a document is dropped only for one that stays and is itself similar enough. single: whole chains go."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    """Chooses the permutations, as in datasketch (there 1 by default)."""
    normalise: Annotated[
        Normalise,
        BeforeValidator(lambda value: {} if value is None else value, json_schema_input_type=Normalise | None),
        Field(validate_default=True),
    ] = None  # type: ignore[assignment]
    """What is ignored when texts are compared; null is what the preset of `clean` ignores, else this section's defaults."""


class Paragraphs(Section):
    """Text repeated across the corpus: every occurrence after the first `max_repeats` is cut out of its document."""

    unit: Literal["paragraph", "line", "sentences", "c4_lines"] = "paragraph"
    """paragraph (between blank lines), line, sentences (spans of `span`, datatrove's C4), c4_lines (TFDS's C4)."""
    min_chars: Annotated[int, Field(ge=0)] = 50
    """Shorter paragraphs and lines (in normalised characters) are never cut."""
    max_repeats: Annotated[int, Field(ge=1)] = 1
    """Occurrences that stay, the first ones in document order."""
    span: Annotated[int, Field(ge=1, le=16)] = 3
    """Sentences of a span (unit: sentences)."""
    min_words: Annotated[int, Field(ge=0)] = 0
    """A document that was cut and has fewer words left is dropped (datatrove's C4: 50)."""
    min_sentences: Annotated[int, Field(ge=0)] = 0
    """A document that was cut and has fewer sentences left is dropped (datatrove's C4: 3)."""


class Keep(Section):
    """Who stays by a value that each document has; those without one come last, ties go by id."""

    by: str
    """A tag, or one of the built-in names date, quality, tokens, language, url, source. Not a tag that is fitted to the pool,
    which duplicates are not yet out of."""
    most: bool = True
    """The greatest stays (numbers, the latest date, the last label in the alphabet); false: the least."""


class Substrings(Section):
    """Bytes repeated across the corpus: every byte inside a window of `min_bytes` bytes that stood before, in this document or an
    earlier one, is cut, as with a suffix array (Lee et al. 2022). Of instruction data the response alone is looked at."""

    min_bytes: Annotated[int, Field(ge=64, le=32768)] = 500
    """UTF-8 bytes that must be equal, one after the other. Shorter documents are left alone. Dolma 3: 500."""
    keep: Literal["first", "none"] = "first"
    """first: the first occurrence, in document order, stays. none: it goes as well, where there is a second."""
    action: Literal["cut", "drop", "report"] = "cut"
    """cut: the spans go. drop: no text is changed; documents of which less than `min_left` is no repeat go whole. report:
    nothing goes, the spans stand in `substrings/`."""
    min_left: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of a document's bytes that must be left, else all of it is dropped (rule `share`); null is 0 for cut, 1 for drop."""
    boundary: Literal["character", "line", "sentence"] = "character"
    """What a cut never divides: cuts shrink to whole characters, lines or sentences."""
    close_gaps: Annotated[int, Field(ge=0)] = 0
    """Between two cuts, text of so many bytes or fewer goes with them (as in Dolma 3)."""

    @property
    def changes(self) -> bool:
        """Whether anything goes."""
        return self.action != "report"

    @property
    def least_left(self) -> float:
        """The share of a document that must be left."""
        return self.min_left if self.min_left is not None else 1.0 if self.action == "drop" else 0.0


class Semantic(KMeans):
    """Documents that mean nearly the same, by embeddings that the input files hold (SemDeDup, Abbas et al. 2023): within a
    k-means cluster, a document goes that is as similar as this to one that stays. In the ledger under `minhash`."""

    clusters: Annotated[int, Field(ge=1)] = 100
    """How many clusters; only documents of one cluster are compared. About the square root of the documents is cheap."""
    cosine: bool = True
    """Cluster by direction alone; documents are compared by cosine similarity in any case."""
    min_similarity: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Cosine similarity from which on two documents are duplicates (1 - epsilon of the paper)."""
    keep: Literal["far", "near"] = "far"
    """Which one stays: the one farthest from the cluster's centre (the paper's, less typical), or the nearest."""


def unset_normalise(schema: dict[str, Any]) -> None:
    """A form sends what it shows: null, so that a preset's `normalise` is not lost to the defaults written out."""
    default = schema["default"].get("minhash", schema["default"])
    default["normalise"] = None


class Dedup(Section):
    """Which of several equal or nearly equal documents stays. `min_similarity` and the like stand with each method."""

    exact: bool | list[Literal["document", "normalised", "url"]] = True
    """Drop exact copies: true compares documents; a list may add the normalised text or the URL (without scheme,
    `www.`, fragment, tracking parameters)."""
    minhash: Annotated[MinHash | None, Field(json_schema_extra=unset_normalise)] = MinHash()
    """Drop near duplicates; null is off."""

    semantic: Semantic | None = None
    """Drop documents that mean nearly the same, by a column of embeddings; null is off."""
    max_per_domain: Annotated[int, Field(ge=1)] | None = None
    """Documents of a registered domain at most, those that `keep` prefers; null is no limit. After duplicates are out."""
    paragraphs: Paragraphs | None = None
    """Cut repeated paragraphs, lines or sentences; null is off."""
    substrings: Substrings | None = None
    """Cut repeated substrings, whatever they are; null is off. After `paragraphs`."""
    keep: Literal["first", "latest", "longest", "best"] | Keep | Annotated[list[str], Field(min_length=1)] = "first"
    """Which one stays: first (source, path, row), latest (`{by: date}`), longest, best (quality), by a tag or built-in name, or
    source names, most wanted first."""
    write_clusters: bool = False
    """Write every cluster of exact and near duplicates to `duplicates/`: who stays, who went for it, how alike they are."""
    history: bool = False
    """false: a release holds all that the sources hold now. true: only what no earlier release of this name kept."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        if self.paragraphs is None or self.substrings is None or self.substrings.action == "report":
            return self
        if self.paragraphs.max_repeats > 1:
            raise ValueError(
                f"paragraphs leaves {self.paragraphs.max_repeats} occurrences, of which substrings cuts all but the first: "
                "set paragraphs.max_repeats: 1, or substrings.action: report"
            )
        if self.substrings.keep == "none":
            raise ValueError(
                "paragraphs leaves one occurrence, which substrings.keep: none then takes for the only one: leave one of the two out"
            )
        return self

    @property
    def keeps_by(self) -> Keep | None:
        """The value that says who stays, where one does that is not at hand for each document."""
        return Keep(by="date") if self.keep == "latest" else self.keep if isinstance(self.keep, Keep) else None

    @property
    def exact_kinds(self) -> list[str]:
        """By what exact copies are found, in the order in which they are dropped."""
        if isinstance(self.exact, bool):
            return ["document"] if self.exact else []
        return [kind for kind in ("document", "normalised", "url") if kind in self.exact]

    @property
    def drops_alike(self) -> bool:
        """Whether the stage *minhash* has work: near and semantic duplicates, caps."""
        return self.minhash is not None or self.semantic is not None or self.max_per_domain is not None
