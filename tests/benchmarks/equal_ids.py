"""Ids against the tokenizers' own libraries, and conversations against transformers, on more texts than a test takes.

    python -m tests.benchmarks.equal_ids [--texts 100000] [--conversations 10000]

Texts of fifteen scripts, and as many of random code points; four chat templates as ChatML, Llama 3, Qwen and Mistral have them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from transformers import PreTrainedTokenizerFast

from curation.methods.formatters.chat import chat
from curation.training import encoder
from curation.training.tokens import count_tokens
from schemas.formatters import Chat
from tests.curation.methods.formatters import test_chat_template as templates
from tests.curation.training import test_encoder as made

SCRIPTS = {
    "Latin": (0x41, 0x17F),
    "Greek": (0x391, 0x3C9),
    "Cyrillic": (0x410, 0x44F),
    "Hebrew": (0x5D0, 0x5EA),
    "Arabic": (0x621, 0x64A),
    "Devanagari": (0x905, 0x939),
    "Bengali": (0x985, 0x9B9),
    "Tamil": (0xB85, 0xBB9),
    "Thai": (0xE01, 0xE2E),
    "Georgian": (0x10D0, 0x10F0),
    "Hangul": (0xAC00, 0xD7A3),
    "Kana": (0x3041, 0x30FF),
    "Han": (0x4E00, 0x9FFF),
    "Armenian": (0x561, 0x587),
    "Ethiopic": (0x1200, 0x135A),
}
AT_ONCE = 10_000


def in_scripts(n: int) -> Iterator[str]:
    drawn = random.Random(0)
    for _ in range(n):
        low, high = drawn.choice(list(SCRIPTS.values()))
        words = ["".join(chr(drawn.randint(low, high)) for _ in range(drawn.randint(1, 9))) for _ in range(30)]
        yield "".join(word + drawn.choice("      ,.\n1’") for word in words)


def fuzzed(n: int) -> Iterator[str]:
    drawn = random.Random(1)
    ranges = ((0, 0x7F), (0, 0x2FF), (0x2000, 0x206F), (0x3000, 0x30FF), (0xE000, 0x10FFFF), (0x1F300, 0x1FAFF))
    for _ in range(n):
        low, high = drawn.choice(ranges)
        yield "".join(chr(drawn.randint(low, high)) for _ in range(drawn.randint(0, 60)))


def ids(n: int, folder: Path) -> None:
    files = {
        "byte-level BPE": made.byte_level(folder / "tokenizer.json", made.CORPUS, made.SPECIAL, 600),
        "SentencePiece BPE": made.sentencepiece_model(folder, "bpe", "identity"),
        "tiktoken": made.ranks(folder / "cl100k_base.tiktoken"),
    }
    for name, path in files.items():
        one = encoder.load(path)
        assert one.is_fast
        for kind, texts in (("of fifteen scripts", in_scripts(n)), ("of random code points", fuzzed(n))):
            every, started = list(texts), time.perf_counter()
            for start in range(0, n, AT_ONCE):
                some = every[start : start + AT_ONCE]
                flat, _ = one.ids(pa.array(some, pa.large_string()))
                wanted = np.concatenate([np.asarray(x, dtype=np.int32) for x in one.library.ids(some)])
                assert np.array_equal(flat, wanted), name
            print(f"{name}: {n:,} texts {kind}: equal ids ({time.perf_counter() - started:.0f} s)", flush=True)


def conversations(n: int, folder: Path) -> None:
    path = made.byte_level(folder / "chat.json", made.CORPUS, made.SPECIAL, 600)
    peer = PreTrainedTokenizerFast(tokenizer_file=path, bos_token="<s>", eos_token="</s>")
    peer.backend_tokenizer.save(path)  # with the tokens that it has added
    drawn, texts = random.Random(2), in_scripts(n * 8)
    some = [
        [{"role": role, "content": next(texts)} for _ in range(drawn.randint(1, 3)) for role in ("user", "assistant")]
        for _ in range(n)
    ]
    named = {"ChatML": templates.CHATML, "ChatML with marks": templates.MARKED, "Llama 3": templates.LLAMA}
    named |= {"Qwen 3": templates.THOUGHTS, "Mistral": templates.ALTERNATING}
    for name, template in named.items():
        marked = template is templates.MARKED
        params = Chat(method="chat", template=template, variables={"bos_token": "<s>", "eos_token": "</s>"})
        started = time.perf_counter()
        for messages in some:
            written = chat(templates.table(messages), params, seed=0, phase="all")
            counted = count_tokens(written.texts, written.segments, path)
            assert counted.input_ids is not None
            assert counted.loss_mask is not None
            wanted = peer.apply_chat_template(
                messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=marked
            )
            assert counted.input_ids[0].as_py() == wanted["input_ids"], name
            if marked:
                assert counted.loss_mask[0].as_py() == wanted["assistant_masks"], name
        what = "ids and masks" if marked else "ids"
        print(f"{name}: {n:,} conversations: equal {what} ({time.perf_counter() - started:.0f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--conversations", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ids(given.texts, Path(folder))
        conversations(given.conversations, Path(folder))


if __name__ == "__main__":
    main()
