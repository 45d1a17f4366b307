"""Tokenizers: text to token ids, by the fastest library that gives the ids of the tokenizer's own one.

A file ``tokenizer.json`` of Hugging Face, or a folder that has one, is what ``tokenizers`` makes of it; a ``.model`` file what
``sentencepiece`` does; a ``.tiktoken`` file of ranks, named as OpenAI names it, what ``tiktoken`` does. ``gigatoken`` (0.10) encodes at
60 to 180 MB/s a core where they do at 3 to 10; it is used where it reads the file, and gives equal ids for the texts of
``PROBES``. It keeps every word that it met, 4 bytes a byte of text of which no word is known yet: so it is made anew after
``RENEWED_AFTER`` bytes.
"""

from __future__ import annotations

import json
import posixpath
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from blake3 import blake3

from curation import storage
from schemas.errors import RecipeError

Ids = npt.NDArray[np.int32]
Int = npt.NDArray[np.int64]
Role = Literal["begin", "end", "pad"]
PLACE = "shards.tokenizer"
MAX_BYTES = 500_000_000
"""Of a tokenizer's file."""
RENEWED_AFTER = 128_000_000
PATTERNS = {"r50k_base": "r50k", "p50k_base": "r50k", "cl100k_base": "cl100k", "o200k_base": "o200k"}
"""What gigatoken calls tiktoken's patterns."""

PROBES = (
    "The quick brown fox, it's said, won't jump over 12 lazy dogs; they'd rather sleep. I'LL SEE.\n",
    "  leading and   runs\t\tof  white space \n\n\n and\r\nline ends \u00a0\u2003x \n",
    "1234567 3.14159 1,000,000 0x1F 2024-01-31 v1.2.3 ½ ² ٣٤٥ １２３",
    "def f(x: int) -> str:\n    return f'{x!r:>10}'  # a comment\n\t}\n{};[]()<>!=&&||\\n",
    "https://example.com/a/b?c=d&e=f#g user@example.com #tag @name $5.00 100% C++ C# a_b-c",
    "Ünïcödé naïve café e\u0301 ﬁ ǅ ß ẞ İ ı Å K Ω ½ ™ … — “quotes” ‘single’ «»",
    "中文字符測試。日本語のテキスト、カタカナ。한국어 텍스트 ภาษาไทย हिन्दी العربية עברית Русский Ελληνικά",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 \u200b\u200d\ufeff\u2028\u0000\u0001\u007f\ufffd \U0010ffff \ue000",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ................ ------------ ================ \n\n\n\n\n\n\n\n",
    "",
    " ",
    "\n",
    "x",
)
"""Texts of every kind that pre-tokenizers treat in their own way."""
ODD = (range(0x600), range(0x2000, 0x2100), range(0x3000, 0x3040), range(0xFE00, 0xFE10), range(0xFEF0, 0x10000))
"""Code points that normalisers change, drop or take for white space: controls, marks, spaces, full-width forms."""

SPECIAL_NAMES: dict[Role, tuple[str, ...]] = {
    "begin": (
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<|startoftext|>",
        "<|bos|>",
        "<｜begin▁of▁sentence｜>",
        "[BOS]",
        "[CLS]",
    ),
    "end": ("</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "<|eos|>", "<｜end▁of▁sentence｜>", "[EOS]", "[SEP]"),
    "pad": ("<pad>", "<|pad|>", "<|padding|>", "<|finetune_right_pad_id|>", "<｜▁pad▁｜>", "[PAD]"),
}
"""What widely used tokenizers call these tokens. A tokenizers file does not say which is which, but where its
post-processor writes them or its padding names one."""


class Library(Protocol):
    """A tokenizer as its own library reads it."""

    def ids(self, texts: list[str]) -> list[Sequence[int]]:
        """The token ids of each text, without special tokens around it."""

    def offsets(self, texts: list[str]) -> list[tuple[Sequence[int], Sequence[tuple[int, int]]]]:
        """The token ids of each text, and the code points [start, end) that each token is of."""

    def own(self, role: Role) -> int | None:
        """The id of the tokenizer's own begin, end or pad token."""

    def id_of(self, token: str) -> int | None:
        """The id of a token by its name."""

    def has(self, number: int) -> bool:
        """Whether there is a token of that id."""

    @property
    def size(self) -> int:
        """The number of tokens."""


class Encoder:
    """A tokenizer; safe to use from several threads."""

    def __init__(self, library: Library, fast: Callable[[], Any] | None, key: str = ""):
        """fast: makes a gigatoken tokenizer of the same file, one that was seen to agree, or None; None where that is not to be used.
        key: what the ids follow from, the file's bytes and name, as 32 hex digits."""
        self.library = library
        self.key = key
        self._fast = fast() if fast is not None else None
        self._make = fast if self._fast is not None else None
        self._bytes = 0
        self._sizes: Int | None = None
        self._lock = threading.Lock()

    @property
    def is_fast(self) -> bool:
        """Whether gigatoken encodes."""
        return self._fast is not None

    def ids(self, texts: pa.LargeStringArray) -> tuple[Ids, Int]:
        """Token ids of all texts, one after the other, int32[sum of counts], and how many each has, int64[n]."""
        plain = texts.to_pylist()
        fast = self._current(texts.nbytes)
        if fast is not None:
            return _of_fast(fast, plain)
        made = self.library.ids(plain)
        counts = np.fromiter(map(len, made), dtype=np.int64, count=len(made))
        flat = np.empty(int(counts.sum()), dtype=np.int32)
        at = 0
        for one in made:
            flat[at : at + len(one)] = one
            at += len(one)
        return flat, counts

    def spans(self, text: str, ids: Ids) -> Sequence[tuple[int, int]] | Int:
        """The code points [start, end) that each of a text's tokens is of: [n, 2]. A part of a character is of that character."""
        if self._fast is not None:
            with self._lock:
                if self._sizes is None:
                    self._sizes = np.zeros(self._fast.vocab_size, dtype=np.int64)
                    for number, token in self._fast.vocab.items():
                        self._sizes[number] = len(token)
            data = np.frombuffer(text.encode(), dtype=np.uint8)
            ends = np.cumsum(self._sizes[ids])
            if len(ends) and ends[-1] == len(data):  # tokens that are bytes of the text, one after the other
                return _in_points(data, ends - self._sizes[ids], ends)
        return self.library.offsets([text])[0][1]

    def _current(self, size: int) -> Any:
        if self._make is None:
            return None
        with self._lock:
            self._bytes += size
            if self._bytes > RENEWED_AFTER:
                self._fast, self._bytes = self._make() or self._fast, 0
            return self._fast


def _in_points(data: npt.NDArray[np.uint8], starts: Int, ends: Int) -> Int:
    """Spans of bytes as spans of the code points that they have any byte of: int64[n, 2]. data: the text in UTF-8."""
    of_byte = np.cumsum((data & 0xC0) != 0x80) - 1
    of_byte = np.append(of_byte, of_byte[-1] + 1 if len(of_byte) else 0)
    ends = np.minimum(ends, len(data))
    last = np.where(ends > starts, of_byte[ends - 1] + 1, of_byte[starts])
    return np.stack([of_byte[starts], last], axis=1)


def _of_fast(fast: Any, texts: list[str]) -> tuple[Ids, Int]:
    # Each of a run's workers is a thread or a process of its own: gigatoken's own threads would be too many.
    layout = fast.encode_batch(texts, parallel=False).layout
    offsets = np.asarray(layout.offsets.data, dtype=np.int64)
    flat = np.asarray(layout.content.data)[offsets[0] : offsets[-1]]
    return flat.astype(np.int32), np.diff(offsets)


def load(path: str) -> Encoder:
    """The tokenizer of a file or folder; made once for the same bytes. Raises RecipeError that names the file."""
    try:
        inside = storage.join(path, "tokenizer.json")
        path = inside if storage.exists(inside) else path
        data = storage.read_bytes(path) if storage.size(path) <= MAX_BYTES else b""
    except OSError as error:
        raise RecipeError(PLACE, f"{path} cannot be read: {type(error).__name__}") from None
    return _encoder(path, data)


@lru_cache(maxsize=2)
def _encoder(path: str, data: bytes) -> Encoder:
    make: Callable[[], Any]
    library: Library
    if path.endswith(".model"):
        library = SentencePiece(path, data)
        make = partial(_gigatoken, "from_sentencepiece", data)
    elif path.endswith(".tiktoken"):
        library = Tiktoken(path, data)
        pattern = PATTERNS.get(posixpath.basename(path).removesuffix(".tiktoken"))
        make = partial(_gigatoken, "from_tiktoken", path, pattern, library.special)
    else:
        library = HuggingFace(path, data)
        make = partial(_gigatoken, "from_json", data)
    key = blake3(posixpath.basename(path).encode() + b"\0" + data).hexdigest(16)
    return Encoder(library, partial(_agreeing, make, library), key)


def _gigatoken(constructor: str, *given: Any) -> Any:
    import gigatoken

    return getattr(gigatoken.Tokenizer, constructor)(*given)


def _agreeing(make: Callable[[], Any], library: Library) -> Any:
    """A gigatoken tokenizer that was seen to give the same ids for every probe, alone and all in one; None where it is not there, does not
    read the file or gives others. Each one is looked at: of a damaged file it was seen to read one and refuse the next."""
    alone = [f"a{chr(c)}b {chr(c)} {chr(c)}{chr(c)}" for block in ODD for c in block]
    texts = [*PROBES, "".join(PROBES), "\n\n".join(reversed(PROBES)), *alone, *(text[4:] for text in alone)]
    try:
        made = make()
        flat, counts = _of_fast(made, texts)
        wanted = library.ids(texts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # another's library, which may panic; there is the tokenizer's own
        return None
    same = [len(one) for one in wanted] == counts.tolist() and np.array_equal(
        flat, np.concatenate([np.asarray(one, dtype=np.int32) for one in wanted])
    )
    return made if same else None


class HuggingFace:
    """A ``tokenizers`` JSON file."""

    def __init__(self, path: str, data: bytes):
        """Raises RecipeError."""
        tokenizers = _package("tokenizers")
        try:
            self.encoder = tokenizers.Tokenizer.from_str(data.decode("utf-8"))
        except Exception as error:  # the library raises bare Exception
            raise RecipeError(PLACE, f"{path} is no tokenizers JSON file: {type(error).__name__}") from None
        self.encoder.no_truncation()
        self.encoder.no_padding()
        self.data = data

    def ids(self, texts: list[str]) -> list[Sequence[int]]:
        return [one.ids for one in self.encoder.encode_batch_fast(texts, add_special_tokens=False)]

    def offsets(self, texts: list[str]) -> list[tuple[Sequence[int], Sequence[tuple[int, int]]]]:
        return [(one.ids, one.offsets) for one in self.encoder.encode_batch(texts, add_special_tokens=False)]

    def own(self, role: Role) -> int | None:
        """What the tokenizer's own post-processor or padding says, else the first special token of a usual name."""
        if role == "pad":
            padding = json.loads(self.data).get("padding")
            if padding is not None:
                return int(padding["pad_id"])
        else:
            around = self.encoder.post_process(self.encoder.encode("a", add_special_tokens=False))
            at = 0 if role == "begin" else -1
            if around.ids and around.special_tokens_mask[at]:
                return int(around.ids[at])
        added = self.encoder.get_added_tokens_decoder().items()
        special = {token.content: number for number, token in added if token.special}
        return next((special[name] for name in SPECIAL_NAMES[role] if name in special), None)

    def id_of(self, token: str) -> int | None:
        found = self.encoder.token_to_id(token)
        return None if found is None else int(found)

    def has(self, number: int) -> bool:
        return self.encoder.id_to_token(number) is not None

    @property
    def size(self) -> int:
        return int(self.encoder.get_vocab_size())


class SentencePiece:
    """A SentencePiece ``.model`` file."""

    def __init__(self, path: str, data: bytes):
        """Raises RecipeError."""
        try:
            self.processor = _package("sentencepiece").SentencePieceProcessor(model_proto=data)
        except RecipeError:
            raise
        except Exception as error:
            raise RecipeError(PLACE, f"{path} is no SentencePiece model: {type(error).__name__}") from None

    def ids(self, texts: list[str]) -> list[Sequence[int]]:
        made: list[Sequence[int]] = self.processor.encode(texts, num_threads=1)
        return made

    def offsets(self, texts: list[str]) -> list[tuple[Sequence[int], Sequence[tuple[int, int]]]]:
        made: list[tuple[Sequence[int], Sequence[tuple[int, int]]]] = []
        for text in texts:
            pieces = self.processor.encode_as_proto(text).pieces
            starts = np.array([piece.begin for piece in pieces], dtype=np.int64)
            ends = np.array([piece.end for piece in pieces], dtype=np.int64)
            # Of a character in bytes, all but the last piece are given no width.
            spans = _in_points(np.frombuffer(text.encode(), dtype=np.uint8), starts, np.maximum(ends, starts + 1))
            made.append(([piece.id for piece in pieces], [(int(start), int(end)) for start, end in spans]))
        return made

    def own(self, role: Role) -> int | None:
        number = {"begin": self.processor.bos_id, "end": self.processor.eos_id, "pad": self.processor.pad_id}[role]()
        return None if number < 0 else int(number)

    def id_of(self, token: str) -> int | None:
        number = int(self.processor.piece_to_id(token))
        return number if self.processor.id_to_piece(number) == token else None

    def has(self, number: int) -> bool:
        return 0 <= number < self.size

    @property
    def size(self) -> int:
        return int(self.processor.get_piece_size())


class Tiktoken:
    """A ``.tiktoken`` file of ranks; the pattern and the special tokens are those that tiktoken has for a file of that name."""

    def __init__(self, path: str, data: bytes):
        """Raises RecipeError."""
        tiktoken = _package("tiktoken")
        name = posixpath.basename(path).removesuffix(".tiktoken")
        known = _encodings()
        if name not in known:
            raise RecipeError(PLACE, f"{path}: which pattern it goes by is in its name: {', '.join(sorted(known))}")
        pattern, self.special = known[name]
        try:
            lines = (line.split() for line in data.splitlines() if line)
            ranks = {_base64(token): int(rank) for token, rank in lines}
            last = max(ranks.values())
            self.special = {token: number for token, number in self.special.items() if number > last}
            self.special = self.special or {"<|endoftext|>": last + 1}
            self.encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=self.special)
        except (ValueError, TypeError, KeyError) as error:
            raise RecipeError(PLACE, f"{path} is no file of ranks: {type(error).__name__}") from None

    def ids(self, texts: list[str]) -> list[Sequence[int]]:
        return list(self.encoding.encode_batch(texts, num_threads=1, allowed_special="all"))

    def offsets(self, texts: list[str]) -> list[tuple[Sequence[int], Sequence[tuple[int, int]]]]:
        made: list[tuple[Sequence[int], Sequence[tuple[int, int]]]] = []
        for text in texts:
            ids = self.encoding.encode(text, allowed_special="all")
            sizes = np.array([len(token) for token in self.encoding.decode_tokens_bytes(ids)], dtype=np.int64)
            ends = np.cumsum(sizes)
            spans = _in_points(np.frombuffer(text.encode(), dtype=np.uint8), ends - sizes, ends)
            made.append((ids, [(int(start), int(end)) for start, end in spans]))
        return made

    def own(self, role: Role) -> int | None:
        return self.special.get("<|endoftext|>") if role == "end" else None

    def id_of(self, token: str) -> int | None:
        if token in self.special:
            return int(self.special[token])
        try:
            return int(self.encoding.encode_single_token(token))
        except KeyError:
            return None

    def has(self, number: int) -> bool:
        return 0 <= number < self.size

    @property
    def size(self) -> int:
        return int(self.encoding.n_vocab)


def _base64(token: bytes) -> bytes:
    import base64

    return base64.b64decode(token, validate=True)


@lru_cache(maxsize=1)
def _encodings() -> dict[str, tuple[str, dict[str, int]]]:
    """Pattern and special tokens of the encodings that tiktoken knows, by name; its own constructors would fetch the ranks."""
    openai = _package("tiktoken_ext.openai_public")
    known: dict[str, tuple[str, dict[str, int]]] = {}
    own = openai.load_tiktoken_bpe, openai.data_gym_to_mergeable_bpe_ranks
    openai.load_tiktoken_bpe = openai.data_gym_to_mergeable_bpe_ranks = lambda *_, **__: {}
    try:
        for name, make in openai.ENCODING_CONSTRUCTORS.items():
            made = make()
            known[name] = made["pat_str"], made["special_tokens"]
    finally:
        openai.load_tiktoken_bpe, openai.data_gym_to_mergeable_bpe_ranks = own
    return known


def _package(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0].partition("_")[0]
        raise RecipeError(PLACE, f"needs the package {package}: pip install 'syllabus[train]'") from None
