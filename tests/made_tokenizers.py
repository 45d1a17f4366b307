"""Tokenizers that are trained on the spot, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tokenizers


def byte_level(path: Path, texts: Sequence[str], special: Sequence[str], size: int = 400) -> str:
    """A byte-level BPE tokenizer.json with these special tokens, the first ids; its path."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    made.save(str(path))
    return str(path)
