import pyarrow as pa

from curation.methods.groupers import group
from schemas.groupers import Skills


def skills(column: list[object], **settings: str) -> list[object]:
    documents = pa.table({"column:s": pa.array(column, pa.list_(pa.string()))})
    return group(documents, Skills.model_validate({"from": "skills", "column": "s", **settings})).to_pylist()


def test_sets_are_sorted_and_without_repeats() -> None:
    assert skills([["b", "a", "b", " "], [], None]) == [["a", "b"], None, None]


def test_joined_to_one_label() -> None:
    assert skills([["b", "a"], None], joined="+") == ["a+b", None]


def test_split_from_one_text() -> None:
    assert skills([["b, a,,"], ["c"]], separator=",") == [["a", "b"], ["c"]]
