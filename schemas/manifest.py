"""``manifest.json``: what a release holds and how it came to be. Written last: it is the commit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = 1
SwarmDraw = Literal["regmix", "olmix"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Input(Part):
    """A file that the recipe's globs found."""

    path: str
    bytes: int
    fingerprint: str
    documents: int
    errors: int
    same_as: str | None = None


class FunnelStage(Part):
    """Documents into a stage, out of it, and dropped by rule: in = out + Σ dropped."""

    stage: str
    in_: int = Field(alias="in")
    out: int
    dropped: dict[str, int] = {}


class Edit(Part):
    """A rewriting that dropped nothing: how many documents, how many places."""

    stage: str
    rule: str
    documents: int
    count: int


class Amount(Part):
    documents: int
    tokens: int


class PhaseRecord(Part):
    """A phase as planned and as written."""

    name: str
    budget: dict[str, Any]
    weights: dict[str, float]
    realised: dict[str, Amount]
    trained_tokens: dict[str, int] = {}
    """Of the tokens written, those with loss, by label; without a tokenizer by their share of characters."""
    by: str | None = None
    notes: list[str] = []
    pools: dict[str, Amount] = {}
    """What was written of each pool, where the mixture is of pools."""
    fit: dict[str, Any] | None = None
    """How well a fitted mixture foretells runs that it was not fitted to, with each run's `predicted` and `seen`; null: not asked."""


class Shard(Part):
    path: str
    rows: int
    tokens: int
    bytes: int
    sha256: str
    phase: str
    first_position: int
    padded: int | None = None
    cut: int | None = None
    dropped_tokens: int | None = None
    """Of packed rows: tokens filled up, documents that do not stand whole in one row, tokens thrown away."""


class SideFile(Part):
    """A file besides the inputs that decided the release, and the recipe's field (or option) that names it."""

    path: str
    sha256: str
    used_by: str


class RunWarning(Part):
    """What a run took by surprise: the share that a stage took of a source, or of a label of a name that mixtures group by.
    examples: the largest clusters, dropped documents, or malformed rows and files with their reasons. Or a phase that misses
    its budget: the share by which it does, negative where it is short, and what was wanted and written. Or a phase with
    documents whose token columns (label) do not fit their text."""

    stage: str
    source: str | None
    rule: str
    share: float
    examples: list[dict[str, Any]] = []
    by: str | None = None
    label: str | None = None
    phase: str | None = None


class Kept(Part):
    """A promise of the recipe, and whether the release holds it. faults: what does not hold, the first few."""

    check: str
    says: str = ""
    holds: bool
    faults: list[str] = []


class RunOfSwarm(Part):
    """One of a swarm's runs: its folder, the rows that it reads, and its manifest's checksum."""

    path: str
    rows: int
    sha256: str


class Swarm(Part):
    """Runs with drawn mixtures, which read the release's texts: see ``swarm.parquet``."""

    phase: str
    by: str
    tokens: int
    draw: SwarmDraw
    runs: list[RunOfSwarm]


class SwarmRun(Part):
    """``runs/<run>/manifest.json``: one run of a swarm. Its shards say which rows of the swarm's texts are read, in order."""

    format_version: int = FORMAT_VERSION
    release: str
    texts: str = "../.."
    """The release whose texts are read."""
    recipe_hash: str
    created: str
    token_unit: str
    phases: list[PhaseRecord]
    shards: list[Shard]


class Manifest(Part):
    """The whole of ``manifest.json``."""

    format_version: int = FORMAT_VERSION
    recipe: dict[str, Any]
    recipe_hash: str
    release: str
    created: str
    software: dict[str, Any]
    inputs: list[Input]
    funnel: list[FunnelStage]
    edits: list[Edit]
    groups: dict[str, dict[str, Amount]]
    phases: list[PhaseRecord]
    shards: list[Shard]
    parent: str | None
    errors: dict[str, Any]
    token_unit: str
    content_key: str
    pool_key: str = ""
    timings: dict[str, float] = {}
    preset: dict[str, str] | None = None
    contamination: list[dict[str, Any]] = []
    duplicates: list[dict[str, Any]] = []
    substrings: list[dict[str, Any]] = []
    """Of each source, what *substrings* looked at and what stood before: documents, bytes, spans, documents and bytes of these."""
    warnings: list[RunWarning] = []
    losses: list[SideFile] = []
    side_files: list[SideFile] = []
    evaluation: list[Shard] = []
    """Files of the phases that are not trained on, a row a document; positions count from 0 over them."""
    packing: dict[str, int] | None = None
    """``padded``, ``cut`` and ``dropped_tokens`` of all packed shards together."""
    promises: list[Kept] = []
    """The recipe's promises that concern this release."""
    swarm: Swarm | None = None
    """Of the texts of a swarm: its runs."""
