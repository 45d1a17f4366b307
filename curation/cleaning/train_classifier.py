"""Train a fastText quality classifier (Joulin et al. 2016; as GPT-3, DCLM and others do), with held-out figures.

Equal texts (lower-cased, white space as one space) count once; texts that two labels claim are left out; what shares a
MinHash band with a training text is taken out of the held-out part, so that its figures are not of texts it has seen.
One thread and a fixed seed: the same data give the same model, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import seeds, storage
from curation.cleaning.fasttext.model import probabilities
from curation.dedup import minhash
from curation.readers import read_files
from curation.readers.compression import StreamFault, decompressed
from curation.readers.formats import by_name
from schemas.dedup import MinHash
from schemas.errors import InputError, RecipeError
from schemas.sources import Source
from schemas.training import Training

Examples = Iterable[tuple[str, str]]
"""(label, text) pairs."""
BATCH = 2000
BATCH_BYTES = 8_000_000
BINS = 10
PLACE = "train"


def train(examples: Examples, params: Training, *, seed: int, inputs: dict[str, Any]) -> dict[str, Any]:
    """Train, measure, write model and card; the card.

    inputs: what the card says of where the examples came from. Raises RecipeError where a label has no example, or the
    held-out part lacks one of both.
    """
    if not storage.is_local(params.output):
        raise RecipeError(f"{PLACE}.output", "fastText writes to a local disk only: give a local path")
    output = Path(storage.absolute(params.output))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".training-") as scratch:
        lines = _Lines(Path(scratch) / "all.txt")
        for batch in _batches(examples):
            lines.add(batch)
        lines.close()
        chosen = _chosen(lines, params, seed)
        is_out = _held_out(lines, chosen, params, seed)
        training = lines.write(Path(scratch) / "train.txt", _shuffled(lines, chosen[~is_out], seed))
        model = _fit(str(Path(scratch) / "train.txt"), params, seed, output)
        held = chosen[is_out]
        figures = measure(lines, held, model, params)
    card = {
        "model": os.path.basename(model),
        "sha256": storage.sha256(model),
        "label": params.label,
        "seed": seed,
        "settings": params.model_dump(),
        "inputs": inputs,
        "documents": {
            "read": len(lines.ids),
            "different": len(np.unique(lines.ids)),
            "trained_on": dict(sorted(training.items())),
            "held_out": dict(sorted(Counter(lines.labels_of(held)).items())),
        },
        "held_out": figures,
    }
    storage.put(f"{output}.json", (json.dumps(card, indent=1) + "\n").encode())
    storage.put(f"{output}.md", as_markdown(card).encode())
    return card


class _Lines:
    """Examples as fastText's lines in a file; in memory a few dozen bytes each: label, place, id and band keys."""

    def __init__(self, path: Path):
        self.path = path
        self.file: Any = path.open("wb")
        self.names: list[str] = []
        self._labels: list[int] = []
        self._places = [0]
        self._ids: list[int] = []
        self._bands: list[npt.NDArray[np.uint64]] = []

    def add(self, batch: list[tuple[str, str]]) -> None:
        for label, text in batch:
            if label not in self.names:
                self.names.append(label)
            line = f"__label__{label} {' '.join(text.split())}\n".encode()
            self.file.write(line)
            self._labels.append(self.names.index(label))
            self._places.append(self._places[-1] + len(line))
            normal = " ".join(text.lower().split()).encode()
            self._ids.append(int.from_bytes(hashlib.blake2b(normal, digest_size=8).digest(), "little"))
        texts = pa.array([text for _, text in batch], pa.large_string())
        settings = MinHash()
        signed = minhash.signatures(texts, settings)
        self._bands.append(minhash.band_keys(signed, settings.bands, settings.rows))

    def close(self) -> None:
        self.file.close()
        self.labels = np.array(self._labels, dtype=np.int64)
        self.places = np.array(self._places, dtype=np.int64)
        self.ids = np.array(self._ids, dtype=np.uint64)
        self.bands = np.concatenate(self._bands) if self._bands else np.zeros((0, 1), dtype=np.uint64)

    def read(self, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """(label, line) of each row."""
        with self.path.open("rb") as file:
            for row in rows.tolist():
                file.seek(self.places[row])
                yield int(self.labels[row]), file.read(int(self.places[row + 1] - self.places[row]))

    def write(self, path: Path, rows: npt.NDArray[np.int64]) -> Counter[str]:
        """The rows' lines into a file; how many a label."""
        counts: Counter[str] = Counter()
        with path.open("wb") as out:
            for label, line in self.read(rows):
                out.write(line)
                counts[self.names[label]] += 1
        return counts

    def labels_of(self, rows: npt.NDArray[np.int64]) -> list[str]:
        return [self.names[label] for label in self.labels[rows].tolist()]


def _batches(examples: Examples) -> Iterator[list[tuple[str, str]]]:
    batch: list[tuple[str, str]] = []
    for label, text in examples:
        if text.strip():
            batch.append((label, text))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _chosen(lines: _Lines, params: Training, seed: int) -> npt.NDArray[np.int64]:
    """One row of each different text that one label alone claims, at most ``max_documents`` a label; sorted."""
    _, first, inverse = np.unique(lines.ids, return_index=True, return_inverse=True)
    claimed = np.zeros((len(first), max(len(lines.names), 1)), dtype=bool)
    claimed[inverse, lines.labels] = True
    rows = first[claimed.sum(axis=1) == 1]
    if params.max_documents is not None:
        key = seeds.keys(seed, "train", "sample", ids=lines.ids[rows])
        order = np.lexsort((key, lines.labels[rows]))
        ranked = lines.labels[rows][order]
        rank = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
        rows = rows[order[rank < params.max_documents]]
    for label in (params.label, *([params.other] if params.raw else [])):
        if label not in lines.names or not (lines.labels[rows] == lines.names.index(label)).any():
            raise RecipeError(
                PLACE, f"no example has the label {label!r}; the labels are {', '.join(sorted(lines.names))}"
            )
    if len(set(lines.labels[rows].tolist())) < 2:
        raise RecipeError(PLACE, f"every example has the label {params.label!r}: there is nothing to tell apart")
    return np.sort(rows)


def _held_out(lines: _Lines, rows: npt.NDArray[np.int64], params: Training, seed: int) -> npt.NDArray[np.bool_]:
    """bool[rows]: which are held out; near duplicates of a training text go to the training side."""
    drawn = seeds.uniforms(seeds.keys(seed, "train", "holdout", ids=lines.ids[rows])) < params.holdout
    seen = np.zeros(len(rows), dtype=bool)
    for band in range(lines.bands.shape[1]):
        keys = lines.bands[rows, band]
        seen |= np.isin(keys, keys[~drawn & (keys != 0)]) & (keys != 0)
    is_out = drawn & ~seen
    held = {lines.names[label] for label in lines.labels[rows[is_out]].tolist()}
    if params.label not in held or len(held) < 2:
        raise RecipeError(
            f"{PLACE}.holdout", "the held-out part lacks one of the labels: hold out more, or give more examples"
        )
    return is_out


def _shuffled(lines: _Lines, rows: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    return rows[np.argsort(seeds.keys(seed, "train", "order", ids=lines.ids[rows]), kind="stable")]


def _fit(path: str, params: Training, seed: int, output: Path) -> str:
    """Train on a file of lines and write the model; its path."""
    import fasttext

    fasttext.FastText.eprint = lambda *_: None
    model = fasttext.train_supervised(
        path,
        dim=params.dim,
        epoch=params.epochs,
        lr=params.learning_rate,
        wordNgrams=params.word_ngrams,
        bucket=params.buckets,
        minCount=params.min_count,
        seed=seed % 2**31,
        thread=1,
        verbose=0,
    )
    if params.quantise:
        model.quantize(input=path, qnorm=True, retrain=False)
    made = f"{output}.ftz" if params.quantise else f"{output}.bin"
    model.save_model(f"{made}.part")
    os.replace(f"{made}.part", made)
    return made


def measure(lines: _Lines, rows: npt.NDArray[np.int64], model: str, params: Training) -> dict[str, Any]:
    """Precision, recall and F1 at 0.5, ROC AUC and a reliability table of the label's probability on held-out rows."""
    scores, truth = [], []
    for start in range(0, len(rows), BATCH):
        part = list(lines.read(rows[start : start + BATCH]))
        texts = pa.array([line.split(b" ", 1)[1].decode() for _, line in part], pa.large_string())
        scores.append(probabilities(texts, model, params.label, place=PLACE))
        truth += [lines.names[label] == params.label for label, _ in part]
    score, good = np.concatenate(scores).astype(np.float64), np.array(truth, dtype=bool)
    said = score >= 0.5
    hits = int((said & good).sum())
    precision, recall = hits / max(int(said.sum()), 1), hits / max(int(good.sum()), 1)
    return {
        "documents": len(good),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / (precision + recall), 4) if hits else 0.0,
        "roc_auc": round(roc_auc(score, good), 4),
        "reliability": reliability(score, good),
    }


def roc_auc(score: npt.NDArray[np.float64], good: npt.NDArray[np.bool_]) -> float:
    """The chance that a good one scores higher than another, ties by half (Mann-Whitney).

    >>> float(roc_auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])))
    0.875
    """
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n, m = int(good.sum()), int((~good).sum())
    return float((rank[good].sum() - n * (n + 1) / 2) / (n * m))


def reliability(score: npt.NDArray[np.float64], good: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """A row a tenth of the scores that is not empty: mean score, share that is good, documents."""
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "mean_score": round(float(score[bins == number].mean()), 4),
            "share_good": round(float(good[bins == number].mean()), 4),
            "documents": int((bins == number).sum()),
        }
        for number in range(BINS)
        if (bins == number).any()
    ]


def as_markdown(card: dict[str, Any]) -> str:
    """The card for people."""
    held = card["held_out"]
    rows = [
        f"| {r['from']:.1f} to {r['to']:.1f} | {r['mean_score']:.3f} | {r['share_good']:.3f} | {r['documents']} |"
        for r in held["reliability"]
    ]
    counts = card["documents"]
    return "\n".join(
        [
            f"# {card['model']}",
            "",
            f"A fastText classifier; the quality score is the probability of `{card['label']}`.",
            "",
            f"- Data: {json.dumps(card['inputs'], ensure_ascii=True)}",
            f"- Documents: {counts['read']} read, {counts['different']} different; trained on {counts['trained_on']}, "
            f"held out {counts['held_out']}",
            f"- Seed {card['seed']}; settings {json.dumps(card['settings'])}",
            f"- sha256 `{card['sha256']}`",
            "",
            f"On the held-out documents: precision {held['precision']}, recall {held['recall']}, F1 {held['f1']} at 0.5; "
            f"ROC AUC {held['roc_auc']}.",
            "",
            "| score | mean score | share good | documents |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def read_labelled(paths: list[str]) -> Iterator[tuple[str, str]]:
    """Examples of labelled files: fastText's lines in .txt; columns text and label in .jsonl and .parquet.

    Raises RecipeError for a pattern without a file, InputError naming file and row for a row without a label.
    """
    for pattern in paths:
        files = [file.url for file in storage.glob(pattern) if file.kind == "file"]
        if not files:
            raise RecipeError(f"{PLACE}.labelled", f"{pattern!r} is no file; mend the path")
        for path in files:
            yield from _labelled(path)


LINE = re.compile(r"__label__(\S+)\s+(.*)", re.DOTALL)


def _labelled(path: str) -> Iterator[tuple[str, str]]:
    kind, compression = by_name(path) or ("", None)
    if kind not in ("txt", "jsonl", "parquet"):
        raise InputError(path, "labelled files are .txt, .jsonl or .parquet")
    if kind == "txt":
        yield from _labelled_lines(path, compression)
        return
    source = Source(name="labelled", paths=[path])
    wanted = read_files.wanted_of(source, {"label": "string"}, BATCH_BYTES)
    there = False
    for batch in read_files.read(path, wanted, format=kind, compression=compression):
        if batch.bad_rows:
            raise InputError(path, f"row {batch.bad_rows[0][0]}: {batch.bad_rows[0][1]}")
        if batch.fault is not None:
            raise InputError(path, f"{batch.fault}; labelled files need text and label")
        there = there or "label" in batch.found
        columns = (batch.documents[name].to_pylist() for name in ("row", "text", "column:label"))
        for row, text, label in zip(*columns, strict=True):
            if not there:
                raise InputError(path, "it has no column 'label'; labelled files need text and label")
            if label is None:
                raise InputError(path, f"row {row}: the label may not be null, a list or an object")
            yield label, text


def _labelled_lines(path: str, compression: str | None) -> Iterator[tuple[str, str]]:
    """fastText's lines."""
    try:
        data = b"".join(decompressed(storage.blocks(path), compression))
    except StreamFault as fault:
        raise InputError(path, fault.message) from None
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(path, f"line {number}: invalid UTF-8") from None
        found = LINE.match(line)
        if found is None and line.strip():
            raise InputError(path, f"line {number}: it does not begin with __label__ and a name")
        if found is not None:
            yield found[1], found[2]


def read_sources(documents: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Examples of prepared partitions: (label, path of a documents table) pairs."""
    for label, path in documents:
        for table in storage.row_groups(path, ["text"]):
            for text in table["text"]:
                yield label, text.as_py()
