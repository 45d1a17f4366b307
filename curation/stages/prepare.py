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
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from curation import readers, storage
from curation.arrow_text import as_text, blank_rows, buffers
from curation.cleaning import classifier, language, normalisers, pii, unicode
from curation.dedup import minhash
from curation.dedup.exact_keys import normalised_keys, url_keys
from curation.recipe_file import canonical
from curation.recipe_paths import FILES
from curation.rules.apply import apply as apply_rules
from curation.rules.border import nearest
from curation.stages.borders import Borders
from curation.stages.catalogue import Input, Partition
from schemas.dedup import Dedup, Normalise
from schemas.errors import InputError, RecipeError
from schemas.recipe import Recipe
from schemas.rules import Custom
from schemas.sources import Source
from schemas.tables import DOCUMENTS, EXCERPT_CHARS, SET_ASIDE

CODE_VERSION = 4
"""Part of every partition's key: raise it when a change here changes what is written."""
BATCH_BYTES = 32_000_000
STATISTICS, BORDERS = "statistics.parquet", "borders.parquet"
READ = ("row", "name", "text", "prompt", "url", "date")
"""Columns of a batch as the readers give it."""
MAX_REASONS = 1000
"""Bad rows that a partition's summary names one by one; beyond that they are only counted."""


@dataclass(frozen=True)
class Prepared:
    """What is known of a prepared partition; ``folder`` holds its tables."""

    folder: str
    key: str
    documents: int
    kept: int
    dropped: dict[str, dict[str, int]]
    edits: list[tuple[str, str, int, int]]
    bad_rows: int
    reasons: list[tuple[int, str]]
    fault: str | None
    columns: list[str]
    files: dict[str, tuple[int, str]]
    seconds: dict[str, float] = field(default_factory=dict)
    text_bytes: int = 0
    rewritten: str | None = None
    """The documents as a later stage wrote them anew, row for row."""

    @property
    def documents_path(self) -> str:
        if self.rewritten is not None:
            return self.rewritten
        return storage.join(self.folder, "documents.parquet")

    @property
    def signatures_path(self) -> str:
        return storage.join(self.folder, "signatures.parquet")

    @property
    def statistics_path(self) -> str | None:
        """What the rules measured, a row a document that came to them; None where the recipe does not keep it."""
        return storage.join(self.folder, STATISTICS) if STATISTICS in self.files else None

    @property
    def borders_path(self) -> str:
        """What each rule just kept."""
        return storage.join(self.folder, BORDERS)

    @property
    def set_aside_path(self) -> str:
        return storage.join(self.folder, "dropped.parquet")


def columns_read(recipe: Recipe) -> dict[str, str]:
    """Input columns that tags, rules and deduplication read, by dotted name, and their kind: string, strings, number, numbers."""
    asked: dict[str, str] = {}
    scorers = [rule.scorer for rule in recipe.clean.rules if isinstance(rule, Custom)]
    for part in [*recipe.tags.values(), *scorers, recipe.dedup.semantic]:
        asked.update(getattr(part, "input_columns", dict)())
    return dict(sorted(asked.items()))


def settings(recipe: Recipe, source: Source) -> dict[str, Any]:
    """The part of the recipe that decides what *prepare* writes for a file of this source."""
    plain = recipe.resolved()
    clean = {k: v for k, v in plain["clean"].items() if k != "on_error"}
    return {
        "clean": clean,
        "models": _model_digests(recipe),
        "minhash": plain["dedup"]["minhash"],
        **({"exact": kinds} if (kinds := keyed(recipe.dedup)) else {}),
        "columns": source.columns.model_dump(),
        "prompt": source.prompt_column,
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
        if isinstance(rule, Custom):
            parts.append((f"clean.rules[{number}].scorer", rule.scorer))
    files: list[tuple[str, str]] = []
    for place, part in parts:
        for name in FILES.get(type(part), ()):
            named = getattr(part, name)
            if isinstance(named, dict):
                files += [(f"{place}.{name}.{key}", path) for key, path in named.items()]
            else:
                files += [(f"{place}.{name}", path) for path in ([named] if isinstance(named, str) else named)]
    return files


def partition_key(settings: dict[str, Any], file: Input, partition: Partition) -> str:
    """The name of a partition's folder: a hash of content, range and settings."""
    what = [settings, file.fingerprint, file.format, partition.start, partition.stop]
    return hashlib.sha256(canonical(what).encode()).hexdigest()[:32]


def load_prepared(folder: str) -> Prepared | None:
    """The summary of a folder if it is complete and its files are as they were written, else None."""
    path = storage.join(folder, "summary.json")
    if not storage.exists(path):
        return None
    plain = json.loads(storage.read_bytes(path))
    plain["reasons"] = [tuple(r) for r in plain["reasons"]]
    plain["edits"] = [tuple(e) for e in plain["edits"]]
    plain["folder"] = folder
    summary = Prepared(**plain)
    for name, (size, digest) in summary.files.items():
        file = storage.join(folder, name)
        if not storage.exists(file) or storage.size(file) != size or storage.checksum(file) != digest:
            return None
    return summary


def prepare(file: Input, partition: Partition, *, recipe: Recipe, source: Source, folder: str, key: str) -> Prepared:
    """Prepare one partition into ``folder``.

    Raises InputError with ``clean.on_error: fail`` at the first malformed row or file; else they are counted.
    """
    work = _Worker(recipe)
    reasons: list[tuple[int, str]] = []
    bad_rows, fault, found = 0, None, set[str]()
    documents_path = storage.join(folder, "documents.parquet")
    signatures_path = storage.join(folder, "signatures.parquet")
    dropped_path = storage.join(folder, "dropped.parquet")
    extra = columns_read(recipe)
    keys = [pa.field(f"exact:{kind}", pa.binary(16)) for kind in keyed(recipe.dedup)]
    schema = pa.schema(
        [*DOCUMENTS, *keys, *(pa.field(f"column:{name}", readers.KINDS[kind]) for name, kind in extra.items())]
    )
    signature_schema = minhash.signature_schema(recipe.dedup.minhash)
    clock = work.seconds
    measured: list[str] = []
    with (
        ExitStack() as stack,
        # Read again soon, and more than once: quick to write and read before small, but for the way to an object store;
        # lz4 takes three times as long as the writing. Hashes do not compress at all.
        storage.parquet_writer(
            documents_path, schema, "none" if storage.is_local(folder) else "lz4", dictionary=False
        ) as documents,
        storage.parquet_writer(signatures_path, signature_schema, "none", dictionary=False) as signatures,
        storage.parquet_writer(dropped_path, SET_ASIDE) as dropped,
    ):
        started = time.perf_counter()
        for batch in readers.read(
            file.url,
            readers.wanted_of(source, extra, BATCH_BYTES),
            format=file.format,
            compression=file.compression,
            start=partition.start,
            stop=partition.stop,
            first_row=partition.first_row,
        ):
            clock["read"] += time.perf_counter() - started
            bad_rows += len(batch.bad_rows)
            reasons.extend(batch.bad_rows[: MAX_REASONS - len(reasons)])
            fault = fault or batch.fault
            found |= set(batch.found)
            if recipe.clean.on_error == "fail" and (batch.bad_rows or batch.fault):
                where, why = (
                    (f"row {batch.bad_rows[0][0]}: ", batch.bad_rows[0][1]) if batch.bad_rows else ("", batch.fault)
                )
                raise InputError(file.path, f"{where}{why}; mend the file, or set clean.on_error: set_aside")
            if len(batch.documents):
                kept, set_aside, signed = work.clean(batch.documents)
                started = time.perf_counter()
                if len(kept):
                    documents.write_table(kept.select(schema.names).cast(schema))
                    signatures.write_table(signed)
                if len(set_aside):
                    dropped.write_table(set_aside)
                if work.statistics is not None:
                    if not measured:  # the rules say the columns when they have measured the first batch
                        measured.append(storage.join(folder, STATISTICS))
                        statistics = stack.enter_context(storage.parquet_writer(measured[0], work.statistics.schema))
                    statistics.write_table(work.statistics)
                clock["write"] += time.perf_counter() - started
            started = time.perf_counter()
    with storage.parquet_writer(storage.join(folder, BORDERS), SET_ASIDE) as borders:
        borders.write_table(work.borders.table())
    files = {}
    for path in (documents_path, signatures_path, dropped_path, storage.join(folder, BORDERS), *measured):
        files[storage.name(path)] = (storage.size(path), storage.checksum(path))
    summary = Prepared(
        folder=folder,
        key=key,
        documents=work.read,
        kept=work.kept,
        dropped={stage: dict(rules) for stage, rules in work.dropped.items()},
        edits=[(stage, rule, n, count) for (stage, rule), (n, count) in sorted(work.edits.items())],
        bad_rows=bad_rows,
        reasons=reasons,
        fault=fault,
        columns=sorted(found),
        files=files,
        seconds={k: round(v, 4) for k, v in clock.items()},
        text_bytes=work.text_bytes,
    )
    storage.put(storage.join(folder, "summary.json"), json.dumps(asdict(summary)).encode())
    return summary


def warm_up(recipe: Recipe) -> None:
    """Load models and compile kernels in the calling thread: doing so in several at once is slow, and was seen to hang."""
    columns = {"row": [0], "text": ["A short text, to be cleaned."]}
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
        rows: pa.ChunkedArray | None = None
        n = len(documents)
        for name, kind in (("language", pa.string()), ("language_score", pa.float32()), ("quality", pa.float32())):
            documents = documents.append_column(name, pa.nulls(n, kind))
        with _timed(self.seconds, "unicode"):
            for column in ("text", "prompt"):
                texts = documents[column]
                touched = clean.unicode != "none" or any(clean.normalisers.model_dump().values())
                if touched and texts.null_count < len(texts):
                    valid = texts.is_valid()
                    rewritten, edits = normalisers.apply(as_text(texts), clean.normalisers)
                    self._edit("read", edits)
                    done = unicode.normalise(rewritten, clean.unicode)
                    documents = _set(documents, column, pc.if_else(valid, done, None))
            self.text_bytes += int(pc.sum(pc.binary_length(documents["text"])).as_py() or 0)
            blank = blank_rows(as_text(documents["text"]))
            documents = self._drop(documents, blank, "read", "empty")
        if clean.language is not None and len(documents):
            with _timed(self.seconds, "language"):
                judged = language.judge(as_text(documents["text"]), clean.language)
                documents = _set(documents, "language", judged.labels)
                documents = _set(documents, "language_score", pa.array(judged.scores, pa.float32()))
                bound, reason = clean.language.min_score, judged.reasons[-1]
                self.borders.add("language", documents, nearest(reason, judged.value, bound, judged.rule < 0))
                documents = self._drop_by(
                    documents, judged.rule, judged.reasons, judged.value, judged.threshold, "language"
                )
        if clean.rules and len(documents):
            with _timed(self.seconds, "rules"):
                verdicts = apply_rules(
                    documents,
                    clean.rules,
                    words=clean.words,
                    verdicts=clean.verdicts,
                    statistics=clean.keep_statistics,
                )
                self._edit("rules", verdicts.edits)
                self.statistics, rows = verdicts.statistics, documents["row"]
                documents = _set(documents, "text", verdicts.texts)
                self.borders.add("rules", documents, verdicts.borders)
                documents = self._drop_by(
                    documents, verdicts.rule, verdicts.reasons, verdicts.value, verdicts.threshold, "rules"
                )
        if clean.classifier is not None and len(documents):
            with _timed(self.seconds, "classifier"):
                quality = classifier.score(as_text(documents["text"]), clean.classifier)
                documents = _set(documents, "quality", pa.array(quality, pa.float32()))
                if clean.classifier.min_score is not None:
                    bound = clean.classifier.min_score
                    low = np.where(quality < np.float32(bound), 0, -1).astype(np.int16)
                    kept = quality >= np.float32(bound)
                    self.borders.add("classifier", documents, nearest(classifier.REASON, quality, bound, kept))
                    documents = self._drop_by(
                        documents,
                        low,
                        (classifier.REASON,),
                        quality.astype(np.float64),
                        np.full(len(quality), bound),
                        "classifier",
                    )
        if clean.pii.active and len(documents):
            with _timed(self.seconds, "pii"):
                masked = pii.mask(as_text(documents["text"]), clean.pii)
                self._edit("pii", masked.edits)
                documents = _set(documents, "text", masked.texts)
                documents = self._drop_by(documents, masked.rule, masked.reasons, masked.value, masked.threshold, "pii")
        with _timed(self.seconds, "hash"):
            documents = documents.append_column("id", content_ids(documents["text"], documents["prompt"]))
            dedup = self.recipe.dedup
            for kind in keyed(dedup):
                if kind == "url":
                    key = url_keys(documents["url"])
                else:
                    options = dedup.minhash.normalise if dedup.minhash is not None else Normalise()
                    key = normalised_keys(comparable(documents), options)
                documents = documents.append_column(f"exact:{kind}", key)
        self.borders.settle(documents)
        with _timed(self.seconds, "minhash"):
            signed = minhash.signed(documents["id"], comparable(documents), self.recipe.dedup.minhash)
        self.kept += len(documents)
        if self.statistics is not None and rows is not None:
            known = pa.concat_tables(
                [documents.select(["row", "id"]), *(t.select(["row", "id"]) for t in self._set_aside)]
            )
            ids = known["id"].combine_chunks().take(pc.index_in(rows, known["row"].combine_chunks()))
            self.statistics = self.statistics.add_column(0, "row", rows).add_column(1, "id", ids)
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
                    "row": gone["row"],
                    "id": content_ids(gone["text"], gone["prompt"]),
                    "name": gone["name"],
                    "url": gone["url"],
                    "stage": pa.array([stage] * len(gone), pa.string()),
                    "rule": pa.array(rules, pa.string()),
                    "value": pa.array(value[out], pa.float64(), from_pandas=True),
                    "threshold": pa.array(threshold[out], pa.float64(), from_pandas=True),
                    "excerpt": excerpts(gone["text"]),
                },
                schema=SET_ASIDE,
            )
        )
        return documents.filter(pa.array(~out))

    def _edit(self, stage: str, edits: dict[str, tuple[int, int]]) -> None:
        for rule, (documents, count) in edits.items():
            total = self.edits.setdefault((stage, rule), [0, 0])
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


def content_ids(texts: pa.ChunkedArray, prompts: pa.ChunkedArray) -> pa.Array:
    """32 hex digits a document: BLAKE3, its first 128 bits, of the text, or of prompt and text where there is a prompt.

    The prompt goes first with its length, so that no two pairs meet.
    """
    if prompts.null_count == len(prompts):
        data, offsets = buffers(as_text(texts))
        view = memoryview(data.data)
        spans = pairwise(offsets.tolist())
        return pa.array([blake3(view[a:b]).hexdigest(16) for a, b in spans], pa.string())
    ids = []
    for text, prompt in zip(texts, prompts, strict=True):
        digest = blake3()
        if prompt.is_valid:
            before = prompt.as_buffer()
            digest.update(before.size.to_bytes(8, "little"))
            digest.update(memoryview(before))
        digest.update(memoryview(text.as_buffer()))
        ids.append(digest.hexdigest(16))
    return pa.array(ids, pa.string())


def comparable(documents: pa.Table) -> pa.LargeStringArray:
    """What near duplicates are found on: the text, after its prompt where it has one."""
    if documents["prompt"].null_count == len(documents):
        return as_text(documents["text"])
    joined = pc.binary_join_element_wise(
        pc.fill_null(documents["prompt"], ""), documents["text"], pa.scalar("\n", pa.large_string())
    )
    return as_text(joined)


def excerpts(texts: pa.ChunkedArray | pa.Array) -> pa.Array | pa.ChunkedArray:
    """The first 200 characters."""
    return pc.utf8_slice_codeunits(texts, 0, EXCERPT_CHARS).cast(pa.string())


def _set(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)
