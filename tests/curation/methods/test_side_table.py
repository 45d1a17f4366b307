"""Names found among millions: each at its place, whatever their hashes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.methods import side_table
from curation.methods.side_table import Keys, keys_of

NAMES = st.lists(st.text(max_size=4), unique=True, max_size=40)


@settings(deadline=None)
@given(
    names=NAMES,
    asked=st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=40),
    hashes=st.sampled_from([1, 3, None]),
)
def test_the_place_of_each(names: list[str], asked: list[str | None], hashes: int | None) -> None:
    asked = [*asked, *names[::2]]
    sound = side_table._hashes
    with pytest.MonkeyPatch.context() as patch:
        if hashes is not None:  # many names of one hash

            def few(texts: pa.Array) -> Any:
                return sound(texts) % np.uint64(hashes)

            patch.setattr(side_table, "_hashes", few)
        found = Keys(pa.array(names, pa.large_string())).places(pa.array(asked, pa.large_string()))
    assert found.to_pylist() == [names.index(one) if one in names else None for one in asked]


def test_a_documents_own_name_goes_first() -> None:
    keys = Keys(pa.array(["a", "b", "c"], pa.large_string()))
    documents = pa.table({"id": ["a", "b", "x", "c"], "name": ["c", None, "nobody", "b"]})
    assert keys_of(documents, keys).to_pylist() == [2, 1, None, 1]
    assert keys_of(documents.select(["id"]), keys).to_pylist() == [0, 1, None, 2]
