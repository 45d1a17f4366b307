"""The recipe: one YAML file describes the whole way from raw text to shards. Sections in the order data flows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from schemas import credentials
from schemas.cleaning import Classifier, Language, Normalisers, PersonalData
from schemas.decontamination import Decontaminate
from schemas.dedup import Dedup, unset_normalise
from schemas.engine import Engine
from schemas.formatters import Conditioning
from schemas.groupers import Grouper
from schemas.limits import Limits
from schemas.mixers import Mixture, Proportional
from schemas.phases import Phase
from schemas.presets import PresetName, fill_in, fill_in_normalise
from schemas.promises import Promise, columns_of, without_rows
from schemas.rules import Rules
from schemas.schedules import Schedule
from schemas.scorers import Scorer
from schemas.section import Section
from schemas.shards import Shards
from schemas.sources import Source
from schemas.trainer import Trainer
from schemas.training import Training

BUILT_IN_NAMES = ("source", "url", "language", "quality", "date", "tokens", "copies", "id")
"""Names that templates, `by`, pool filters and sort keys know without a declared tag."""

SHARD_COLUMNS = (
    "position",
    "phase",
    "epoch",
    "id",
    "source",
    "text",
    "segments",
    "tokens",
    "url",
    "language",
    "quality",
)
KIND_COLUMNS = {
    "preference": ("chosen", "rejected", "chosen_segments", "rejected_segments"),
    "verifiable": ("ground_truth", "verifier"),
}
"""Columns of the shards where a source is of that kind, after the tags."""
RESERVED_NAMES = frozenset(
    {*BUILT_IN_NAMES, *SHARD_COLUMNS, *(name for names in KIND_COLUMNS.values() for name in names)}
    | {"input_ids", "loss_mask", "doc_ids", "doc_spans", "doc_offsets", "loss_weight", "loss_weights"}
)
TAG_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


Tag = Annotated[Grouper | Scorer, Field(discriminator="from_")]


class Clean(Section):
    """What is done to each document by itself."""

    preset: PresetName | None = None
    """A whole published pipeline: gives every setting of this section that the recipe leaves out (`syllabus presets`)."""
    unicode: Literal["nfc", "ftfy", "none"] = "nfc"
    """Unicode normalisation: nfc, ftfy (mends broken encodings, then nfc), none."""
    normalisers: Normalisers = Normalisers()
    """Entities, control characters, zero-width and bidirectional marks, blank lines: rewritten before all else."""
    language: Language | None = None
    """Language identification by fastText; null skips it."""
    turns: Literal["all", "user", "assistant"] = "all"
    """Which turns of a record language, rules and classifier look at; a record without such turns is looked at whole. Rules that
    rewrite text judge such records, and leave them as they are."""
    words: Literal["whitespace", "unicode"] = "whitespace"
    """What a word is, for every rule: runs between white space, or Unicode words (a character each without spaces)."""
    rules: Rules = []
    """Published rule sets, applied in this order; a bare name is the set as its source has it."""
    verdicts: Literal["first", "all"] = "first"
    """first: a document is measured no further once a rule set drops it; all: each set says its verdict, in `statistics/`."""
    keep_statistics: bool = False
    """Write what the rules measured of each document to `statistics/`, to choose thresholds from."""
    classifier: Classifier | None = None
    """Quality score by a fastText classifier; null skips it."""
    pii: PersonalData = PersonalData()
    """Personal data, per kind: keep, mask, or drop the document."""
    on_error: Literal["set_aside", "fail"] = "set_aside"
    """A malformed row or file is set aside and counted, or ends the run."""

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("preset") is None:
            return value
        return fill_in(cls.without_nulls(value), Clean().model_dump(mode="json"))

    @model_validator(mode="after")
    def _languages_are_known(self) -> Clean:
        for rule in self.rules:
            if getattr(rule, "by_language", None) and self.language is None:
                raise ValueError(f"rules: {rule.name} has by_language, which needs clean.language")
        return self


class Recipe(Section):
    """From raw text to an ordered training set. Only `name` and `sources` are needed."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    """Names the releases' folder under `output`."""
    description: str = ""
    """For people: what this recipe is for."""
    seed: int = 0
    """Everything random follows from it."""
    output: str = "releases"
    """A local folder or an object-store URL (s3://, gs://, az://, file://)."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where raw text comes from; their order decides which of two equal documents is the first."""
    clean: Clean = Clean()
    """What is done to each document by itself."""
    dedup: Annotated[Dedup, Field(json_schema_extra=unset_normalise)] = Dedup()
    """Exact and near duplicates."""
    decontaminate: Decontaminate | None = None
    """Documents that hold benchmark items; null skips it."""
    tags: dict[Annotated[str, Field(pattern=TAG_NAME)], Tag] = {}
    """Groupers and scorers: name -> how it is made. Each is a column of the shards."""
    mixture: Mixture | None = Proportional()
    """Weights of the groups, for every phase that does not set its own; null takes documents as they come."""
    conditioning: Conditioning | None = None
    """How a document is written, for every phase that does not set its own; null writes the plain text."""
    phases: list[Schedule] = []
    """Phases in training order. None: one phase, one epoch, shuffled."""
    train: Training | None = None
    """A quality classifier to be trained (`syllabus train-classifier`); a run takes no notice of it."""
    shards: Shards = Shards()
    """The Parquet files of the release."""
    limits: Limits = Limits()
    """What a release must keep to be published."""
    trainer: Trainer = Trainer()
    """What the training run is told besides."""
    engine: Engine = Engine()
    """Where the tasks run; never changes what a release holds."""
    promise: list[Promise] = []
    """What the release must show: held when it is written, and by `syllabus verify`."""

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, value: Any) -> Any:
        return fill_in_normalise(cls.without_nulls(value)) if isinstance(value, dict) else value

    @model_validator(mode="before")
    @classmethod
    def _plain_files_have_their_place(cls, value: Any) -> Any:
        """The tags of files that are one document each, where the recipe does not declare them itself."""
        sources = value.get("sources") if isinstance(value, dict) else None
        formats = [one.get("format") for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
        made = {"path": {"from": "column", "column": "path"}} if {"text", "code"} & set(formats) else {}
        if "code" in formats:
            made["programming_language"] = {"from": "column", "column": "programming_language"}
        tags = value.get("tags") or {} if made else {}
        return {**value, "tags": {**made, **tags}} if made and isinstance(tags, dict) else value

    @field_validator("tags")
    @classmethod
    def _tags_take_free_names(cls, tags: dict[str, Any]) -> dict[str, Any]:
        for name in tags:
            if name in RESERVED_NAMES:
                raise ValueError(f"the tag {name!r} takes the name of a column of the shards; choose another")
        return tags

    @model_validator(mode="after")
    def _no_password(self) -> Recipe:
        for place in credentials.places(self):
            raise ValueError(
                f"{place}: a URL with a password; recipes are written down: give it by the environment of the run "
                "(AWS_SECRET_ACCESS_KEY, …), or by a Prefect block that sets it"
            )
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Recipe:
        names = [source.name for source in self.sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named {name!r}; a source's name is its label in the release")
        for index, source in enumerate(self.sources):
            for tag in source.tags:
                if tag in RESERVED_NAMES or tag in self.tags:
                    raise ValueError(
                        f"sources[{index}].tags: {tag!r} is taken by a column or a declared tag; choose another"
                    )
        apart = self.shards.packs.groups
        if apart is not None and apart not in {*self.tag_names(), "source", "language"}:
            raise ValueError(f"shards.packing.groups: {apart!r} is no declared tag, nor source or language")
        weights = self.shards.loss_weights
        if weights is not None and weights.record is not None and weights.record not in {**self.tags, "quality": 0}:
            raise ValueError(f"shards.loss_weights.record: {weights.record!r} is no declared tag, nor quality")
        if self.shards.sequence_length is not None:
            for index, source in enumerate(self.sources):
                if source.kind in KIND_COLUMNS:
                    raise ValueError(
                        f"sources[{index}] is kind: {source.kind}, whose records stand by themselves; packed sequences hold "
                        "text alone: set shards.sequence_length to null"
                    )
        if self.limits.language_share and self.clean.language is None:
            raise ValueError("limits.language_share needs clean.language")
        for field in ("source_drop_rate", "bad_rows"):
            bound = getattr(self.limits, field)
            for name in bound if isinstance(bound, dict) else ():
                if name not in names:
                    raise ValueError(f"limits.{field} names {name!r}, which is no source; there are {', '.join(names)}")
        for number, rule in enumerate(self.clean.rules):
            if rule.unless is not None and rule.unless.score == "quality" and self.clean.classifier is None:
                raise ValueError(
                    f"clean.rules[{number}].unless goes by quality: set clean.classifier, or name a scorer"
                )
        if self.limits.mean_quality is not None and self.clean.classifier is None:
            raise ValueError("limits.mean_quality needs clean.classifier")
        if self.train is not None:
            for side in ("good", "raw"):
                for named in getattr(self.train, side):
                    if named not in names:
                        raise ValueError(f"train.{side}: {named!r} is no source; there are {', '.join(names)}")
        if self.dedup.keep == "best" and self.clean.classifier is None:
            raise ValueError("dedup.keep: best goes by quality: set clean.classifier, or keep first or longest")
        by = self.dedup.keeps_by
        if by is not None and by.by == "quality" and self.clean.classifier is None:
            raise ValueError("dedup.keep.by: quality needs clean.classifier")
        if by is not None and by.by in ("copies", "id"):
            raise ValueError(
                f"dedup.keep.by: {by.by} says nothing of who should stay; name a tag, date, quality or tokens"
            )
        if isinstance(self.dedup.keep, list):
            for name in self.dedup.keep:
                if name not in names:
                    raise ValueError(f"dedup.keep names {name!r}, which is no source; there are {', '.join(names)}")
        phases = [phase.name for phase in self.phases]
        for name in phases:
            if phases.count(name) > 1:
                raise ValueError(f"two phases are named {name!r}")
        if self.phases and all(isinstance(phase, Phase) and phase.evaluation for phase in self.phases):
            raise ValueError("every phase is an evaluation; give one that is trained on")
        shares = [phase.share for phase in self.phases if isinstance(phase, Phase) and phase.share is not None]
        if sum(shares) > 1 + 1e-9:
            raise ValueError(f"the phases' shares add up to {sum(shares):g}; they draw disjoint documents: at most 1")
        return self

    @model_validator(mode="after")
    def _token_columns_are_read(self) -> Recipe:
        kinds = self.shards.input_columns()
        for name in kinds:
            if name in RESERVED_NAMES or name in self.tag_names():
                raise ValueError(f"shards.token_columns: {name!r} is taken by a column of the shards or a tag")
        for tag, params in self.tags.items():
            for name, kind in params.input_columns().items() if hasattr(params, "input_columns") else ():
                if kinds.get(name, kind) != kind:
                    raise ValueError(f"tags.{tag} reads {name!r} as {kind}, shards.token_columns as {kinds[name]}")
        for index, source in enumerate(self.sources):
            if kinds and source.has_turns:
                raise ValueError(
                    f"sources[{index}] is kind: {source.kind}; token_columns are of one text: leave them out"
                )
        return self

    @model_validator(mode="after")
    def _promises_read_what_is_there(self) -> Recipe:
        kinds = [name for source in self.sources for name in KIND_COLUMNS.get(source.kind, ())]
        known = {
            *SHARD_COLUMNS,
            *self.tag_names(),
            *self.shards.token_columns,
            *kinds,
            *(["copies"] if self.shards.copies else []),
        }
        for number, promise in enumerate(self.promise):
            if self.shards.sequence_length is not None and not without_rows(promise):
                raise ValueError(
                    f"promise[{number}]: {promise.check} is held against rows of documents; packed rows keep no columns. "
                    "Leave out shards.sequence_length, or this promise"
                )
            for field, name in columns_of(promise).items():
                if name not in known:
                    raise ValueError(
                        f"promise[{number}].{field}: {name!r} is no column of the shards; there are {', '.join(sorted(known))}"
                    )
        return self

    def tag_names(self) -> list[str]:
        """The shards' tag columns: each tag of the recipe in its order, the sources' constant tags after them."""
        constants = dict.fromkeys(tag for source in self.sources for tag in source.tags)
        return [*self.tags, *constants]

    @property
    def has_turns(self) -> bool:
        """Whether any source's records are made of turns."""
        return any(source.has_turns for source in self.sources)

    def conditionings(self) -> list[Conditioning]:
        """The different ways in which its phases write a document, besides plain; in the recipe's order."""
        given = [self.conditioning, *(getattr(phase, "conditioning", None) for phase in self.phases)]
        made = [one for one in given if one is not None and not isinstance(one, str)]
        return [one for index, one in enumerate(made) if one not in made[:index]]

    def resolved(self) -> dict[str, Any]:
        """The recipe as plain data with every default, and what phases inherit, written out."""
        plain = self.model_dump(mode="json", by_alias=True)
        for phase in plain["phases"]:
            for key in ("mixture", "conditioning"):
                if phase.get(key, None) == "inherit":
                    phase[key] = None if key == "mixture" and phase.get("evaluation") else plain[key]
        return plain
