"""*prepare*: all work on single documents, fused, one partition at a time, streamed in batches of text.

Read, normalise, drop the blank, language, rules in listed order, classifier, personal data, then content id, exact
hash and MinHash band keys. Writes its tables to the partition's folder, ``summary.json`` last: a folder without it
does not count. What stands there depends on the bytes of the input and the settings in ``key``, never on the
input's name or on when it came.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage, turns
from curation.arrays.arrow_text import as_text, blank_rows
from curation.arrays.columns import with_column
from curation.cleaning import classifier, language, normalisers, pii, places, unicode
from curation.dedup import minhash
from curation.dedup.exact_keys import content_ids, normalised_keys, text_ids, url_keys
from curation.dedup.minhash import comparable
from curation.readers import read_files
from curation.readers.documents import MAX_REASONS, SetAside
from curation.recipes.memory import bounds
from curation.recipes.recipe_file import canonical
from curation.recipes.recipe_paths import FILES
from curation.releases.work import Done, Work, load_prepared
from curation.rules.apply import apply as apply_rules
from curation.rules.border import nearest
from curation.rules.just_kept import Borders, row_keys
from curation.training.token_columns import AS_READ
from schemas.dedup import Dedup, Normalise
from schemas.errors import InputError, RecipeError
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.tables import DOCUMENTS, RECORD, SET_ASIDE
from schemas.work import (
    BORDERS,
    DOCUMENTS_FILE,
    DROPPED,
    SIGNATURES,
    STATISTICS,
    SUMMARY,
    Input,
    Partition,
    Prepared,
    Slice,
    SliceRead,
)

CODE_VERSION = 5
"""Part of every partition's key: raise it when a change here changes what is written."""
READ = ("slice", "row", "name", "text", "prompt", "url", "date")
"""Columns of a batch as the readers give it."""


def columns_read(recipe: Recipe) -> dict[str, str]:
    """Input columns that tags, rules and deduplication read, by dotted name, and their kind (``KINDS``)."""
    asked: dict[str, str] = {}
    scorers = [scorer for rule in recipe.clean.rules for scorer in rule.scorers().values()]
    for part in [*recipe.tags.values(), *scorers, recipe.dedup.semantic]:
        asked.update(getattr(part, "input_columns", dict)())
    asked.update(recipe.shards.input_columns())
    return dict(sorted(asked.items()))


def settings(recipe: Recipe, source: Source) -> dict[str, Any]:
    """The part of the recipe that decides what *prepare* writes for a file of this source."""
    plain = recipe.resolved()
    apart = {"on_error"} if source.has_turns else {"on_error", "turns"}
    clean = {k: v for k, v in plain["clean"].items() if k not in apart}
    return {
        "clean": clean,
        "models": _model_digests(recipe),
        "minhash": plain["dedup"]["minhash"],
        **({"exact": kinds} if (kinds := keyed(recipe.dedup)) else {}),
        **({"as_read": True} if recipe.shards.token_columns else {}),
        "columns": source.columns.of_kind(source.kind),
        "prompt": source.prompt_column,
        **({"kind": source.kind, "roles": source.roles} if source.has_turns else {}),
        **({"records": source.records} if source.records is not None else {}),
        "read": columns_read(recipe),
        "version": CODE_VERSION,
    }


def keyed(dedup: Dedup) -> list[str]:
    """Kinds of exact copies that need a key of their own, a column ``exact:<kind>``; documents have their id."""
    return [kind for kind in dedup.exact_kinds if kind != "document"]


def _model_digests(recipe: Recipe) -> dict[str, str]:
    """sha256 of the model files that cleaning uses: another model under the same name is another setting."""
    digests: dict[str, str] = {}
    if recipe.clean.language is not None:
        digests["language"] = storage.sha256(language.model_path(recipe.clean.language))
    if recipe.clean.classifier is not None:
        path = recipe.clean.classifier.model
        if not storage.exists(path):
            raise RecipeError("clean.classifier.model", f"{path!r} is no file")
        digests["classifier"] = storage.sha256(path)
    for place, path in rule_files(recipe):
        if not storage.exists(path):
            raise RecipeError(place, f"{path!r} is no file")
        digests[path] = storage.sha256(path)
    return digests


def rule_files(recipe: Recipe) -> list[tuple[str, str]]:
    """Files that rules read, with the field that names them: lists, models, side tables."""
    parts: list[tuple[str, object]] = []
    for number, rule in enumerate(recipe.clean.rules):
        parts.append((f"clean.rules[{number}]", rule))
        parts += [(f"clean.rules[{number}].{field}", scorer) for field, scorer in rule.scorers().items()]
    files: list[tuple[str, str]] = []
    for place, part in parts:
        for name in FILES.get(type(part), ()):
            named = getattr(part, name)
            if isinstance(named, dict):
                files += [(f"{place}.{name}.{key}", path) for key, path in named.items()]
            else:
                files += [(f"{place}.{name}", path) for path in ([named] if isinstance(named, str) else named)]
    return files


def partition_key(settings: dict[str, Any], files: Sequence[Input], partition: Partition) -> str:
    """The name of a partition's folder: a hash of content, ranges and settings."""
    slices = []
    for one in partition.slices:
        file = files[one.input]
        placed = [file.place] if file.place else []
        slices.append([file.fingerprint, file.format, file.compression, one.start, one.stop, *placed])
    return hashlib.sha256(canonical([settings, slices]).encode()).hexdigest()[:32]


def prepare(
    files: Sequence[Input], partition: Partition, *, recipe: Recipe, source: Source, folder: str, key: str
) -> Prepared:
    """Prepare one partition into ``folder``. files: the run's inputs, which slices count in.

    Raises InputError with ``clean.on_error: fail`` at the first malformed row or file; else they are counted.
    """
    work = _Worker(recipe)
    extra = columns_read(recipe)
    wanted = read_files.wanted_of(source, extra, bounds(recipe.engine).batch_bytes)
    reading = _Reading(files, partition, wanted, recipe.clean.on_error == "fail")
    paths = {name: storage.join(folder, name) for name in (DOCUMENTS_FILE, SIGNATURES, DROPPED, BORDERS)}
    keys = [pa.field(f"exact:{kind}", pa.binary(16)) for kind in keyed(recipe.dedup)]
    record = RECORD if source.has_turns else ()
    schema = pa.schema(
        [
            *DOCUMENTS,
            *record,
            *keys,
            *([pa.field(AS_READ, pa.string())] if recipe.shards.token_columns else []),
            *(pa.field(f"column:{name}", read_files.KINDS[kind]) for name, kind in extra.items()),
        ]
    )
    signature_schema = minhash.signature_schema(recipe.dedup.minhash)
    clock = work.seconds
    with (
        ExitStack() as stack,
        # Read again soon, and more than once: quick to write and read before small, but for the way to an object store;
        # lz4 takes three times as long as the writing. Hashes do not compress at all.
        storage.parquet_writer(
            paths[DOCUMENTS_FILE], schema, "none" if storage.is_local(folder) else "lz4", dictionary=False
        ) as documents,
        storage.parquet_writer(paths[SIGNATURES], signature_schema, "none", dictionary=False) as signatures,
        storage.parquet_writer(paths[DROPPED], SET_ASIDE) as dropped,
    ):
        started = time.perf_counter()
        for batch in reading.batches():
            clock["read"] += time.perf_counter() - started
            kept, set_aside, signed = work.clean(batch)
            started = time.perf_counter()
            if len(kept):
                documents.write_table(kept.select(schema.names).cast(schema))
                signatures.write_table(signed)
            if len(set_aside):
                dropped.write_table(set_aside)
            if work.statistics is not None:
                if STATISTICS not in paths:  # the rules say the columns when they have measured the first batch
                    paths[STATISTICS] = storage.join(folder, STATISTICS)
                    statistics = stack.enter_context(storage.parquet_writer(paths[STATISTICS], work.statistics.schema))
                statistics.write_table(work.statistics)
            clock["write"] += time.perf_counter() - started
            started = time.perf_counter()
    with storage.parquet_writer(paths[BORDERS], SET_ASIDE) as borders:
        borders.write_table(work.borders.table())
    summary = Prepared(
        folder=folder,
        key=key,
        read=reading.read,
        kept=work.kept,
        dropped={stage: dict(rules) for stage, rules in work.dropped.items()},
        edits=[(stage, rule, n, count) for (stage, rule), (n, count) in sorted(work.edits.items())],
        reasons=reading.reasons,
        columns=sorted(reading.found),
        files={name: (storage.size(path), storage.checksum(path)) for name, path in paths.items()},
        seconds={k: round(v, 4) for k, v in clock.items()},
        text_bytes=work.text_bytes,
    )
    storage.put(storage.join(folder, SUMMARY), json.dumps(asdict(summary)).encode())
    return summary


class _Reading:
    """The slices of a partition as batches of documents; many small files make one batch."""

    def __init__(self, files: Sequence[Input], partition: Partition, wanted: read_files.Wanted, fail: bool):
        """fail: raise InputError at the first malformed row or file."""
        self.files, self.partition, self.wanted, self.fail = files, partition, wanted, fail
        self.read: list[SliceRead] = []
        self.reasons: list[tuple[int, int, str]] = []
        self.found: set[str] = set()

    def batches(self) -> Iterator[pa.Table]:
        """Tables of at least as many bytes as are wanted of a batch, but for the last; with the number of the slice."""
        held: list[pa.Table] = []
        size = 0
        for number, one in enumerate(self.partition.slices):
            for table in self._slice(number, one):
                held.append(table)
                size += table.nbytes
                if size >= self.wanted.batch_bytes:
                    yield pa.concat_tables(held)
                    held, size = [], 0
        if held:
            yield pa.concat_tables(held)

    def _slice(self, number: int, one: Slice) -> Iterator[pa.Table]:
        file = self.files[one.input]
        documents = bad_rows = 0
        aside = SetAside()
        fault = None
        for batch in read_files.read(
            file.url,
            self.wanted,
            format=file.format,
            compression=file.compression,
            start=one.start,
            stop=one.stop,
            first_row=one.first_row,
            place=file.place,
        ):
            documents += len(batch.documents)
            bad_rows += batch.bad
            for row, reason in batch.bad_rows:
                aside.add(row, reason)
            fault = fault or batch.fault
            self.found |= batch.found
            if self.fail and (batch.bad_rows or batch.fault):
                where, why = (
                    (f"row {batch.bad_rows[0][0]}: ", batch.bad_rows[0][1]) if batch.bad_rows else ("", batch.fault)
                )
                raise InputError(file.path, f"{where}{why}; mend the file, or set clean.on_error: set_aside")
            if len(batch.documents):
                slices = pa.array(np.full(len(batch.documents), number), pa.int32())
                yield batch.documents.add_column(0, "slice", slices)
        self.reasons += [(number, *named) for named in aside.named[: MAX_REASONS - len(self.reasons)]]
        self.read.append(SliceRead(documents, bad_rows, fault))


def run(work: Work, number: int) -> Done:
    """Prepare one partition, unless its folder already holds that."""
    folder = work.prepared_path(number)
    made = load_prepared(folder)
    if made is None:
        partition, key = work.partitions[number], work.keys[number]
        made = prepare(work.inputs, partition, recipe=work.recipe, source=work.source(number), folder=folder, key=key)
    return Done({"documents": made.documents, "kept": made.kept})


def warm_up(recipe: Recipe) -> None:
    """Load models and compile kernels in the calling thread: doing so in several at once is slow, and was seen to hang."""
    columns = {"slice": [0], "row": [0], "text": ["A short text, to be cleaned."]}
    tiny = pa.table({f.name: pa.array(columns.get(f.name, [None]), f.type) for f in DOCUMENTS if f.name in READ})
    _Worker(recipe).clean(tiny)


class _Worker:
    """The cleaning of batches, with its counts."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.read = self.kept = self.text_bytes = 0
        self.dropped: dict[str, Counter[str]] = {}
        self.edits: dict[tuple[str, str], list[int]] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.statistics: pa.Table | None = None
        """What the rules measured in the last batch, after ``row`` and ``id``."""
        self._set_aside: list[pa.Table] = []
        self.borders = Borders()

    def clean(self, documents: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
        """A batch to (kept documents, dropped documents, signatures of the kept)."""
        clean = self.recipe.clean
        self.read += len(documents)
        self._set_aside = []
        self.statistics = None
        rows: pa.Table | None = None
        n, scored = len(documents), False
        for name, kind in (("language", pa.string()), ("language_score", pa.float32()), ("quality", pa.float32())):
            documents = documents.append_column(name, pa.nulls(n, kind))
        if self.recipe.shards.token_columns:
            documents = documents.append_column(AS_READ, text_ids(documents["text"]))
        with _timed(self.seconds, "unicode"):
            documents = turns.with_text(self._normalised(documents))
            self.text_bytes += int(pc.sum(pc.binary_length(documents["text"])).as_py() or 0)
            blank = blank_rows(as_text(documents["text"]))
            documents = self._drop(documents, blank, "read", "empty")
            documents = turns.with_text(documents, clean.turns)
        if "url" in keyed(self.recipe.dedup):
            documents = documents.append_column("exact:url", url_keys(documents["url"]))
        if clean.language is not None and len(documents):
            with _timed(self.seconds, "language"):
                judged = language.judge(as_text(documents["text"]), clean.language)
                documents = with_column(documents, "language", judged.labels)
                documents = with_column(documents, "language_score", pa.array(judged.scores, pa.float32()))
                bound, reason = clean.language.min_score, judged.reasons[-1]
                self.borders.add("language", documents, nearest(reason, judged.value, bound, judged.rule < 0))
                documents = self._drop_by(
                    documents, judged.rule, judged.reasons, judged.value, judged.threshold, "language"
                )
        if len(documents) and any(rule.unless is not None and rule.unless.score == "quality" for rule in clean.rules):
            documents, scored = self._scored(documents), True
        if clean.rules and len(documents):
            with _timed(self.seconds, "rules"):
                verdicts = apply_rules(
                    documents,
                    clean.rules,
                    words=clean.words,
                    verdicts=clean.verdicts,
                    statistics=clean.keep_statistics,
                )
                self.statistics, rows = verdicts.statistics, documents.select(["slice", "row"])
                if not turns.there(documents):  # a partition is of one source, and so of one kind
                    self._edit("rules", verdicts.edits)
                    scored = scored and not verdicts.edits
                    documents = with_column(documents, "text", verdicts.texts)
                self.borders.add("rules", documents, verdicts.borders)
                documents = self._drop_by(
                    documents, verdicts.rule, verdicts.reasons, verdicts.value, verdicts.threshold, "rules"
                )
        if clean.classifier is not None and len(documents):
            with _timed(self.seconds, "classifier"):
                documents = documents if scored else self._scored(documents)
                quality = documents["quality"].to_numpy()
                if clean.classifier.min_score is not None:
                    bound = clean.classifier.min_score
                    low = np.where(quality < np.float32(bound), 0, -1).astype(np.int16)
                    kept = quality >= np.float32(bound)
                    self.borders.add("classifier", documents, nearest(classifier.REASON, quality, bound, kept))
                    reasons, bounds = (classifier.REASON,), np.full(len(quality), bound)
                    documents = self._drop_by(documents, low, reasons, quality.astype(float), bounds, "classifier")
        if clean.pii.active and len(documents):
            with _timed(self.seconds, "pii"):
                documents = self._without_personal_data(documents)
        documents = turns.with_text(documents)
        with _timed(self.seconds, "hash"):
            documents = documents.append_column("id", content_ids(documents))
            dedup = self.recipe.dedup
            for kind in keyed(dedup):
                if kind == "url":
                    continue  # taken before its personal data was masked
                options = dedup.minhash.normalise if dedup.minhash is not None else Normalise()
                key = normalised_keys(comparable(documents), options)
                documents = documents.append_column(f"exact:{kind}", key)
        self.borders.settle(documents)
        with _timed(self.seconds, "minhash"):
            signed = minhash.signed(documents["id"], comparable(documents), self.recipe.dedup.minhash)
        self.kept += len(documents)
        if self.statistics is not None and rows is not None:
            columns = ["slice", "row", "id"]
            known = pa.concat_tables([t.select(columns) for t in [documents, *self._set_aside]])
            ids = known["id"].combine_chunks().take(pc.index_in(row_keys(rows), row_keys(known)))
            for at, column in enumerate([*rows.columns, ids]):
                self.statistics = self.statistics.add_column(at, columns[at], column)
        return documents, pa.concat_tables([SET_ASIDE.empty_table(), *self._set_aside]), signed

    def _drop(self, documents: pa.Table, out: npt.NDArray[np.bool_], stage: str, rule: str) -> pa.Table:
        code = np.where(out, 0, -1).astype(np.int16)
        none = np.full(len(out), np.nan)
        return self._drop_by(documents, code, (rule,), none, none, stage)

    def _drop_by(
        self,
        documents: pa.Table,
        rule: npt.NDArray[np.int16],
        reasons: tuple[str, ...],
        value: npt.NDArray[np.float64],
        threshold: npt.NDArray[np.float64],
        stage: str,
    ) -> pa.Table:
        counts = self.dropped.setdefault(stage, Counter())
        out = rule >= 0
        if not out.any():
            return documents
        gone = documents.filter(pa.array(out))
        rules = [reasons[code] for code in rule[out]]
        counts.update(rules)
        self._set_aside.append(
            pa.table(
                {
                    "slice": gone["slice"],
                    "row": gone["row"],
                    "id": content_ids(gone),
                    "name": gone["name"],
                    "url": pii.url_shown(gone["url"], self.recipe.clean.pii),
                    "stage": pa.array([stage] * len(gone), pa.string()),
                    "rule": pa.array(rules, pa.string()),
                    "value": pa.array(value[out], pa.float64(), from_pandas=True),
                    "threshold": pa.array(threshold[out], pa.float64(), from_pandas=True),
                    "excerpt": pii.shown(gone["text"], self.recipe.clean.pii),
                },
                schema=SET_ASIDE,
            )
        )
        return documents.filter(pa.array(~out))

    def _scored(self, documents: pa.Table) -> pa.Table:
        """With the quality that the classifier gives each text."""
        assert self.recipe.clean.classifier is not None
        quality = classifier.score(as_text(documents["text"]), self.recipe.clean.classifier)
        return with_column(documents, "quality", pa.array(quality, pa.float32()))

    def _normalised(self, documents: pa.Table) -> pa.Table:
        """Normalisers and the Unicode form, in every place that holds text."""
        clean = self.recipe.clean
        if clean.unicode == "none" and not any(clean.normalisers.model_dump().values()):
            return documents
        for column in places.columns_of(documents):
            held = places.held(documents[column])
            rewritten, found = normalisers.apply(held.texts, clean.normalisers)
            self._edit("read", held.edits(found), column)
            done = unicode.normalise(rewritten, clean.unicode)
            if done is not held.texts:
                documents = with_column(documents, column, held.replaced(done))
        return documents

    def _without_personal_data(self, documents: pa.Table) -> pa.Table:
        """Personal data masked in every place that holds text, or the document dropped; the first place that drops counts."""
        rule, value = np.full(len(documents), -1, dtype=np.int16), np.full(len(documents), np.nan)
        reasons: list[str] = []
        for column in places.columns_of(documents):
            held = places.held(documents[column])
            texts, cut = held.texts, dict[str, tuple[int, int]]()
            if column == "url":
                texts, cut = pii.without_credentials(texts, self.recipe.clean.pii)
            masked = pii.mask(texts, self.recipe.clean.pii)
            self._edit("pii", cut | held.edits(masked.places), column)
            if masked.texts is not held.texts:
                documents = with_column(documents, column, held.replaced(masked.texts))
            for code, kind in enumerate(masked.reasons):
                found = held.sums(np.where(masked.rule == code, masked.value, 0).astype(np.int64))
                out = (found > 0) & (rule < 0)
                if out.any():
                    rule[out], value[out] = len(reasons), found[out]
                    reasons.append(places.rule_in(kind, column))
        return self._drop_by(documents, rule, tuple(reasons), value, np.where(rule >= 0, 0.0, np.nan), "pii")

    def _edit(self, stage: str, edits: dict[str, tuple[int, int]], column: str = "text") -> None:
        for rule, (documents, count) in edits.items():
            total = self.edits.setdefault((stage, places.rule_in(rule, column)), [0, 0])
            total[0] += documents
            total[1] += count


class _timed:
    """Adds the block's seconds to a counter."""

    def __init__(self, seconds: defaultdict[str, float], name: str):
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.name] += time.perf_counter() - self.started
