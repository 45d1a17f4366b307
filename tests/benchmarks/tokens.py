"""Tokens: what shards go through, against the tokenizer's own library over the same texts, in the same run.

    python -m tests.benchmarks.tokens [MB]

Texts are web-like (``texts.py``); the tokenizer is a byte-level BPE of 32,000 tokens that is trained on some of them.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import tokenizers

from curation.methods.formatters.plain import plain
from curation.methods.formatters.segments import Formatted
from curation.mixture.spans import CHUNK_BYTES
from curation.training import encoder
from curation.training.tokens import count_tokens
from tests.benchmarks.texts import documents as made_documents
from tests.made_tokenizers import byte_level

THREADS = 2


def in_chunks(formatted: Formatted, path: str) -> None:
    """As shards are written: as many documents at a time as a row group has text."""
    step = len(formatted.texts) * CHUNK_BYTES // formatted.texts.nbytes
    for start in range(0, len(formatted.texts), step):
        count_tokens(formatted.texts[start : start + step], formatted.segments[start : start + step], path)


def main() -> None:
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 300_000_000
    texts = list(itertools.islice(made_documents(size // 3000, low=1000, high=5000), size // 3000))
    total = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        path = byte_level(Path(folder) / "tokenizer.json", texts[:2000], [], 32_000)
        library = tokenizers.Tokenizer.from_file(path)
        some = texts[: max(len(texts) // 40, 1)]
        started = time.perf_counter()
        wanted = [one.ids for one in library.encode_batch_fast(some, add_special_tokens=False)]
        of_library = sum(len(text.encode()) for text in some) / 1e6 / (time.perf_counter() - started)
        print(f"tokenizers {tokenizers.__version__}, all cores: {of_library:.1f} MB/s")
        made = encoder.load(path)
        flat, _ = made.ids(pa.array(some, pa.large_string()))
        assert np.array_equal(flat, np.concatenate([np.array(one) for one in wanted])), "the ids differ"
        documents = pa.table({"text": pa.array(texts, pa.large_string())})
        formatted = plain(documents, None, seed=0, phase="all")
        count_tokens(formatted.texts[:100], formatted.segments[:100], path)  # kernels are compiled once a machine
        for threads in (1, THREADS):
            started = time.perf_counter()
            running = [threading.Thread(target=in_chunks, args=(formatted, path)) for _ in range(threads)]
            for one in running:
                one.start()
            for one in running:
                one.join()
            rate = threads * total / (time.perf_counter() - started)
            print(
                f"ids, loss masks and counts of documents, {threads} threads: {rate:.1f} MB/s, {rate / of_library:.0f} times"
            )


if __name__ == "__main__":
    main()
