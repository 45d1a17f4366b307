"""Rows to records made of turns: the ways in which data sets write them, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.readers.documents import reach
from curation.readers.records import Record, RecordColumns, Turn, Unfit, read_record

CONVERSATION = RecordColumns("conversation", {"messages": "messages"})
PREFERENCE = RecordColumns("preference", {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"})
VERIFIABLE = RecordColumns("verifiable", {"prompt": "prompt", "ground_truth": "ground_truth", "verifier": "verifier"})


def record(row: dict[str, Any], wanted: RecordColumns = CONVERSATION) -> Record:
    return read_record(row, wanted, reach)


def said(made: Record) -> list[tuple[str, str, int]]:
    return [(turn.role, turn.content, part) for turn, part in made.turns]


ASKED, ANSWERED = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED, ANSWERED],
        [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
        json.dumps([ASKED, ANSWERED]),
        [{"role": "user", "content": [{"type": "text", "text": "a"}]}, ANSWERED],
        [{"role": "user", "content": "a", "from": None, "value": None, "train": None, "weight": None}, ANSWERED],
    ],
)
def test_the_ways_to_write_turns(messages: Any) -> None:
    assert said(record({"messages": messages})) == [("user", "a", 0), ("assistant", "b", 0)]


def test_tool_calls_and_weights_are_kept() -> None:
    call = [{"function": {"name": "f", "arguments": {"x": "é"}}}]
    made = record(
        {
            "messages": [
                ASKED,
                {"role": "assistant", "content": None, "tool_calls": call, "train": False},
                {"role": "tool", "content": "1"},
                {"role": "assistant", "content": "c", "weight": 0.5},
            ]
        }
    )
    assert [turn for turn, _ in made.turns][1:] == [
        Turn("assistant", "", '[{"function": {"name": "f", "arguments": {"x": "é"}}}]', 0.0),
        Turn("tool", "1"),
        Turn("assistant", "c", "", 0.5),
    ]


def test_roles_of_the_recipe_go_first() -> None:
    wanted = RecordColumns("conversation", {"messages": "messages"}, {"Q": "user", "A": "assistant"})
    messages = [{"role": "Q", "content": "a"}, {"role": "A", "content": "b"}]
    assert said(record({"messages": messages}, wanted))[0] == ("user", "a", 0)


def test_preferences_in_texts_and_in_turns() -> None:
    wanted = [("user", "a", 0), ("assistant", "b", 1), ("assistant", "c", 2)]
    other = {"role": "assistant", "content": "c"}
    assert said(record({"prompt": "a", "chosen": "b", "rejected": "c"}, PREFERENCE)) == wanted
    assert said(record({"prompt": [ASKED], "chosen": [ANSWERED], "rejected": [other]}, PREFERENCE)) == wanted
    whole = {"prompt": "a", "chosen": [ASKED, ANSWERED], "rejected": [ASKED, other]}
    assert said(record(whole, PREFERENCE)) == wanted
    assert said(record({**whole, "prompt": None}, PREFERENCE)) == wanted


def test_an_empty_system_turn_is_left_out() -> None:
    made = record({"messages": [{"role": "system", "content": ""}, ASKED, ANSWERED]})
    assert said(made) == [("user", "a", 0), ("assistant", "b", 0)]


def test_what_is_verified_is_kept_as_text() -> None:
    assert record({"prompt": "a", "ground_truth": 42, "verifier": "maths"}, VERIFIABLE) == Record(
        [(Turn("user", "a"), 0)], "42", "maths"
    )
    kept = record({"prompt": [ASKED], "ground_truth": {"n": [1]}, "verifier": None}, VERIFIABLE)
    assert (kept.ground_truth, kept.verifier) == ('{"n": [1]}', None)


@pytest.mark.parametrize(
    ("row", "wanted", "says"),
    [
        ({"messages": "not json"}, CONVERSATION, "`messages` is a string and no JSON, not a list of turns"),
        ({"messages": {"a": 1}}, CONVERSATION, "`messages` is an object {a}, not a list of turns"),
        ({}, CONVERSATION, "`messages` is null, not a list of turns"),
        ({"messages": []}, CONVERSATION, "`messages` is an empty list"),
        ({"messages": ["a"]}, CONVERSATION, "`messages`, turn 0 is a string, not an object with role and content"),
        ({"messages": [{"content": "a"}]}, CONVERSATION, "turn 0 has no role"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, CONVERSATION, "roles: {wizard: user}"),
        ({"messages": [{"role": "user", "content": 3}]}, CONVERSATION, "its content is a number, not a string"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, CONVERSATION, "a part that is no text"),
        ({"messages": [ASKED]}, CONVERSATION, "`messages` has no assistant turn"),
        ({"messages": [ASKED, {**ANSWERED, "train": False}]}, CONVERSATION, "no turn that is trained on"),
        ({"messages": [ASKED, {**ANSWERED, "train": 1}]}, CONVERSATION, "`train` is a number, not true or false"),
        ({"messages": [ASKED, {**ANSWERED, "weight": -1}]}, CONVERSATION, "`weight` is no number of at least 0"),
        ({"messages": [{"role": "user", "content": " "}, ANSWERED]}, CONVERSATION, "`messages`, turn 0 is empty"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, PREFERENCE, "`chosen` and `rejected` are equal"),
        ({"prompt": "a", "chosen": "b"}, PREFERENCE, "`rejected` is null, not a list of turns"),
        ({"prompt": "a"}, VERIFIABLE, "`ground_truth` is null"),
        ({"prompt": "a", "ground_truth": ""}, VERIFIABLE, "`ground_truth` is empty"),
        ({"ground_truth": "a"}, VERIFIABLE, "`prompt` is null"),
        ({"prompt": "", "ground_truth": "a"}, VERIFIABLE, "`prompt` is empty"),
        ({"prompt": "a", "chosen": "b", "rejected": " "}, PREFERENCE, "`rejected` is empty"),
    ],
)
def test_what_is_no_record_is_said(row: dict[str, Any], wanted: RecordColumns, says: str) -> None:
    with pytest.raises(Unfit) as raised:
        record(row, wanted)
    assert says in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "type", "text", "weight", "train", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    row=st.dictionaries(
        st.sampled_from(["messages", "prompt", "chosen", "rejected", "ground_truth", "verifier"]),
        JSON | JSON.map(lambda value: json.dumps(value, default=str)),
    ),
    wanted=st.sampled_from([CONVERSATION, PREFERENCE, VERIFIABLE]),
)
def test_any_row_is_a_record_or_unfit(row: dict[str, Any], wanted: RecordColumns) -> None:
    try:
        made = record(row, wanted)
    except Unfit:
        return
    assert made.turns
    assert all(turn.role in ("system", "user", "assistant", "tool") for turn, _ in made.turns)
