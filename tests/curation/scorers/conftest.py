"""The published vectors that these methods are held against."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "golden" / "method_vectors_formats.json"


@pytest.fixture(scope="session")
def vector() -> Callable[[str], dict[str, Any]]:
    """A vector by its id: input, output and where it is from."""
    vectors = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return lambda name: vectors[name]
