"""Every reader fed with files that were sound once: bytes changed, cut, doubled, moved.

    python -m tests.faults.fuzzing [--inputs 1000000] [--seed 0]

What must hold of each: nothing is raised; rows have numbers of their own, in order, whether they are read or set aside; texts are
text; a reason says nothing of the text; a file that is cut reads as the whole one does; no input takes ten seconds or four
gigabytes. Each input follows from its number, so that one that fails can be made again (``--only``).
"""

from __future__ import annotations

import argparse
import bz2
import faulthandler
import gzip
import importlib.util
import io
import json
import lzma
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from curation.cleaning.fasttext.model import predict
from curation.methods import kenlm_reader
from curation.methods.scorers.perplexity import _load, perplexity
from curation.readers.documents import MAX_ALIKE
from curation.readers.json_values import is_lines
from curation.readers.read_files import Batch, Wanted, read
from curation.stages.catalogue import _line_marks
from curation.training import encoder
from schemas.errors import RecipeError
from schemas.scorers import Perplexity
from tests.conftest import ROOT

SECONDS, BYTES = 10, 4 << 30
CANARY = "CANARYWORD"
"""Stands in every text, and in no reason."""
WANTED = Wanted(extra={"n": "number", "tags": "strings", "meta.lang": "string"}, batch_bytes=2000, max_row_bytes=4000)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data[: len(data) // 2], mtime=0) + gzip.compress(data[len(data) // 2 :], mtime=0),
    ".zst": lambda data: zstandard.compress(data[: len(data) // 2]) + zstandard.compress(data[len(data) // 2 :]),
    ".bz2": bz2.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
}
BOUNDS = [0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x0D, 0x22, 0x2C, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D]


def rows() -> list[dict[str, Any]]:
    """Sound rows with all that readers look at."""
    return [
        {
            "text": f'{CANARY} {i} é \u2028 \U0001f600 \\ " {"long " * (i * 3)}',
            "id": [i, f"id-{i}", i * 0.5, None][i % 4],
            "url": f"https://example.org/{i}",
            "date": ["2024-05-01", 1714521600, "yesterday"][i % 3],
            "n": i / 3,
            "tags": ["a", "b"][: i % 3],
            "meta": {"lang": "en", "deep": [[[i]]]},
        }
        for i in range(8)
    ]


def parquet(**options: Any) -> bytes:
    """The rows as Parquet, in two row groups."""
    plain = [one | {"id": str(one["id"]), "date": str(one["date"])} for one in rows()]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(plain), sink, row_group_size=5, **options)
    return sink.getvalue()


@cache
def sound() -> dict[str, bytes]:
    """Sound files by name."""
    return plain() | {
        name + ending: pack(data) for name, data in texts().items() for ending, pack in COMPRESSIONS.items()
    }


@cache
def texts() -> dict[str, bytes]:
    """Those of text, not compressed."""
    made = rows()
    lines = "".join(json.dumps(one, ensure_ascii=bool(i % 2)) + "\n" for i, one in enumerate(made)).encode()
    table = "id,text,url,n\n" + "".join(f'{i},"{CANARY} ""{i}""\n, more",u{i},{i}\n' for i in range(8))
    return {
        "lines.jsonl": lines + b"\n  \r\n" + lines,
        "array.json": json.dumps(made, indent=1).encode(),
        "values.json": "\n".join(json.dumps(one, indent=2) for one in made).encode(),
        "wrapper.json": json.dumps({"version": 1, "data": made}).encode(),
        "table.csv": table.encode(),
        "table.tsv": table.replace(",", "\t").encode(),
        "plain.txt": (CANARY + "\n\nmore é\n").encode() * 8,
    }


@cache
def plain() -> dict[str, bytes]:
    """Those of Parquet, a crawl, models and a tokenizer."""
    return {
        "snappy.parquet": parquet(compression="snappy"),
        "zstd.parquet": parquet(compression="zstd", write_page_checksum=True),
        "plain.parquet": parquet(compression="none", use_dictionary=False, data_page_version="2.0"),
        "pages.warc": pages(compressed=False),
        "pages.warc.gz": pages(compressed=True),
        "untyped.parquet": parquet(compression="gzip", store_schema=False),
        **side_files(),
    }


def pages(*, compressed: bool) -> bytes:
    """A crawl: pages in several encodings, one without text, one that is no page."""
    from tests.curation.readers.test_warc import warc

    kinds = ["text/html; charset=utf-8", "text/html", "text/html; charset=iso-8859-1", "image/png"]
    bodies = [
        f"<html><head><title>t</title></head><body><main><h1>{CANARY} {i}</h1><p>{'some words, ' * 20}</p>"
        f"<table><tr><td>a<td>b</table><ul><li>x<li>y &amp; &#x1F600; é</ul></main></body></html>"
        for i in range(5)
    ]
    return warc(
        [
            (f"https://example.org/{i}", kinds[i % 4], body.encode("utf-8" if i % 4 < 2 else "latin-1"))
            for i, body in enumerate([*bodies, "<html></html>"])
        ],
        compressed=compressed,
    )


@cache
def side_files() -> dict[str, bytes]:
    """What a recipe may name besides its sources, of the packages that are there."""
    from tests.curation.methods.scorers.test_perplexity import ARPA
    from tests.every_stage import tokenizer_of

    found = {"model.bin": model()}
    if importlib.util.find_spec("kenlm") is not None:
        found["model.arpa"] = ARPA.encode()
        found |= {path.name: path.read_bytes() for path in (ROOT / "tests" / "golden" / "kenlm").glob("[pt]*.klm")}
    if importlib.util.find_spec("tokenizers") is not None:
        with tempfile.TemporaryDirectory() as folder:
            found["tokenizer.json"] = Path(tokenizer_of(Path(folder))).read_bytes()
    return found


def used(path: Path) -> None:
    """Texts with such a file. Raises RecipeError where it is none."""
    texts = pa.array([CANARY, "word1 x cat dog", "", "é\U0001f600\n\n the river"], pa.large_string())
    if path.suffix == ".bin":
        predict(texts, str(path), place="x")
    elif path.suffix in (".arpa", ".klm"):
        kenlm_reader.ANSWER_SECONDS = 2.0  # less than an input may take
        params = Perplexity.model_validate({"from": "perplexity", "model": str(path)})
        perplexity(pa.table({"text": texts}), params, place="x")
        _load.cache_clear()
    else:
        encoder.load(str(path)).ids(texts)


def model() -> bytes:
    """A small fastText classifier."""
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        lines = [f"__label__{'ab'[i % 2]} word{i % 7} other{i % 3} {'xy'[i % 2]}" for i in range(60)]
        (Path(folder) / "train.txt").write_text("\n".join(lines) + "\n")
        trained = fasttext.train_supervised(
            f"{folder}/train.txt",
            dim=4,
            bucket=50,
            minn=2,
            maxn=3,
            wordNgrams=2,
            epoch=1,
            thread=1,
            verbose=0,
            loss="hs",
        )
        trained.save_model(f"{folder}/model.bin")
        return (Path(folder) / "model.bin").read_bytes()


def mutated(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """The file with one to four changes."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 4])):
        if not changed:
            break
        at = draw.randrange(len(changed))
        stop = min(at + draw.choice([1, 2, 4, 8, 64, 512]), len(changed))
        kind = draw.randrange(9)
        if kind <= 2:
            changed[at] = draw.choice(BOUNDS) if kind else draw.randrange(256)
        elif kind == 3:
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == 4:
            del changed[at:stop]
        elif kind == 5:
            changed[at:at] = changed[at:stop] * draw.choice([1, 2, 50])
        elif kind == 6:
            del changed[at:]
        elif kind == 7:
            other = draw.choice(others)
            begin = draw.randrange(len(other))
            changed[at:stop] = other[begin : begin + stop - at]
        else:
            changed[at:stop] = draw.randbytes(stop - at)
    return bytes(changed)


def made(number: int, seed: int) -> tuple[str, bytes]:
    """The input of a number: its name and its bytes."""
    draw = random.Random(f"{seed}/{number}")
    files = sound()
    name = draw.choice(sorted(files))
    stem, _, ending = name.rpartition(".")
    if stem in texts() and draw.random() < 0.5:  # what is changed may be the text, too
        return name, COMPRESSIONS[f".{ending}"](mutated(texts()[stem], draw, sorted(texts().values())))
    return name, mutated(files[name], draw, sorted(files.values()))


def everything(path: str, name: str, **span: int | None) -> list[Batch]:
    """What a reader gives of a file."""
    _, _, rest = name.partition(".")
    form, _, ending = rest.partition(".")
    compression = {"": None, "gz": "gzip", "zst": "zstd", "bz2": "bz2", "xz": "xz"}[ending]
    return list(read(path, WANTED, format=form, compression=compression, **span))  # type: ignore[arg-type]


def check(folder: Path, name: str, data: bytes) -> str:
    """Read a file and hold what is read against what must be so; what came of it, in a word. Raises AssertionError."""
    path = folder / name
    path.write_bytes(data)
    if name in side_files():
        with suppress(RecipeError):
            used(path)
            return "read"
        return "refused"
    batches = everything(str(path), name)
    documents = [row for batch in batches for row in batch.documents["row"].to_pylist()]
    named = [row for batch in batches for row, _ in batch.bad_rows]
    texts = [text for batch in batches for text in batch.documents["text"].to_pylist()]
    assert documents == sorted(set(documents)), "rows twice, or out of order"
    assert len(named) == len(set(named)), "a row set aside twice"
    assert not set(named) & set(documents), "a row read and set aside"
    assert all(isinstance(text, str) and text.encode() is not None for text in texts)
    bad = sum(batch.bad for batch in batches)
    assert bad >= len(named)
    if len(named) == bad:  # of more than are named, some have no number here
        every = sorted([*documents, *named])
        gaps = name.endswith(".parquet") and any(batch.fault for batch in batches)
        assert gaps or every == list(range(len(every))), "a row is neither read nor set aside"
    assert all(CANARY not in reason for batch in batches for _, reason in batch.bad_rows)
    faults = [batch.fault for batch in batches if batch.fault and "the file has: " not in batch.fault]
    assert all(CANARY not in fault for fault in faults)  # the names of columns, cut short, are said
    for batch in batches:
        assert max(Counter(reason for _, reason in batch.bad_rows).values(), default=0) <= MAX_ALIKE
        batch.documents.validate(full=True)
    if name == "lines.jsonl" and not any(batch.fault for batch in batches) and is_lines(str(path), None):
        _cut(path, name, batches)
    return "fault" if any(batch.fault for batch in batches) else "bad rows" if bad else "read"


def _cut(path: Path, name: str, whole: list[Batch]) -> None:
    """The slices of a file of lines are the file."""
    _, marks = _line_marks(str(path), None, 700)
    stops = [*(start for start, _ in marks[1:]), None]
    parts = [
        batch
        for (start, row), stop in zip(marks, stops, strict=True)
        for batch in everything(str(path), name, start=start, stop=stop, first_row=row)
    ]
    if any(batch.fault for batch in parts):  # by its first slice alone a file may look like none
        return
    for of in ("row", "text", "name", "url", "date"):
        assert [v for b in parts for v in b.documents[of].to_pylist()] == [
            v for b in whole for v in b.documents[of].to_pylist()
        ], f"slices give another {of}"


def run(first: int, count: int, seed: int) -> Counter[str]:
    """Inputs by number; what came of them, by format. Ends the process at the first that fails, and names it."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    came: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            name, data = made(number, seed)
            (Path(folder) / "number").write_text(str(number))
            signal.alarm(SECONDS)
            try:
                came[f"{name}: {check(Path(folder), name, data)}"] += 1
            except BaseException:
                print(f"input {number} of seed {seed}, {name}", file=sys.stderr, flush=True)
                raise
            finally:
                signal.alarm(0)
    return came


def main() -> None:
    """Print what came of the inputs, by file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    asked = parser.parse_args()
    started = time.perf_counter()
    first, count = (asked.first, asked.inputs) if asked.only is None else (asked.only, 1)
    for what, times in sorted(run(first, count, asked.seed).items()):
        print(f"{times:9,} {what}")
    print(f"{count:,} inputs, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
