"""Rows of a file to records that are made of turns: conversations, preferences, prompts with what verifies an answer.

Turns are a list of {role, content} (OpenAI) or {from, value} (ShareGPT), or JSON of such a list; a content may be a list of
parts, of which only text is read. A turn's ``train`` (true, false) or ``weight`` (a number) says how much it is trained on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.readers.columns import holds, printable
from curation.readers.values import number_of, string_of
from curation.turns import CHOSEN, REJECTED, SHARED
from schemas.sources import ROLES, Kind

MAX_TURNS = 10_000
ROLE_KEYS, CONTENT_KEYS = ("role", "from"), ("content", "value")
TEXT_PARTS = ("text", "input_text", "output_text")


@dataclass(frozen=True)
class RecordColumns:
    """The kind of a source's records, its columns by what they hold, and the roles by their names in the file."""

    kind: Kind
    columns: Mapping[str, str]
    roles: Mapping[str, str] = field(default_factory=lambda: dict(ROLES))


@dataclass(frozen=True)
class Turn:
    """One turn. calls: JSON of its tool calls, empty for none; weight: None where the role decides."""

    role: str
    content: str
    calls: str = ""
    weight: float | None = None


@dataclass(frozen=True)
class Record:
    """What a row holds: its turns, each with its part."""

    turns: list[tuple[Turn, int]]
    ground_truth: str | None = None
    verifier: str | None = None

    def values(self) -> tuple[Any, ...]:
        """Of the columns of ``RECORD``, in their order."""
        marks = [{"role": turn.role, "weight": turn.weight, "part": part} for turn, part in self.turns]
        return (
            [turn.content for turn, _ in self.turns],
            [turn.calls for turn, _ in self.turns],
            marks,
            self.ground_truth,
            self.verifier,
        )


class Unfit(ValueError):
    """Why a row is no record: names columns and kinds of values, never what they hold."""


def read_record(row: Mapping[str, Any], wanted: RecordColumns, get: Callable[[Mapping[str, Any], str], Any]) -> Record:
    """The record of a row. get: the value of a dotted name. Raises Unfit."""
    columns = wanted.columns
    if wanted.kind == "conversation":
        turns = _turns(get(row, columns["messages"]), columns["messages"], wanted)
        if not any(_trained(turn) for turn in turns):
            why = (
                "no turn that is trained on" if any(turn.role == "assistant" for turn in turns) else "no assistant turn"
            )
            raise Unfit(f"`{columns['messages']}` has {why}")
        return Record([(turn, SHARED) for turn in turns])
    asked = get(row, columns["prompt"])
    if wanted.kind == "preference":
        prompt = _said(asked, columns["prompt"], "user", wanted) if asked not in (None, "") else []
        chosen = _said(get(row, columns["chosen"]), columns["chosen"], "assistant", wanted)
        rejected = _said(get(row, columns["rejected"]), columns["rejected"], "assistant", wanted)
        if chosen == rejected:
            raise Unfit(f"`{columns['chosen']}` and `{columns['rejected']}` are equal")
        same = 0
        while same < min(len(chosen), len(rejected)) - 1 and chosen[same] == rejected[same]:
            same += 1
        # Whole conversations hold the prompt themselves (TRL: an implicit prompt).
        whole = any(turn.role == "user" for turn in chosen[:same])
        shared = chosen[:same] if whole else [*prompt, *chosen[:same]]
        return Record(
            [
                *((turn, SHARED) for turn in shared),
                *((turn, CHOSEN) for turn in chosen[same:]),
                *((turn, REJECTED) for turn in rejected[same:]),
            ]
        )
    truth = get(row, columns["ground_truth"])
    if truth is None or truth == "":
        raise Unfit(f"`{columns['ground_truth']}` is {'null' if truth is None else 'empty'}")
    turns = _said(asked, columns["prompt"], "user", wanted)
    return Record([(turn, SHARED) for turn in turns], _kept(truth), _kept(get(row, columns["verifier"])))


def _trained(turn: Turn) -> bool:
    return turn.role == "assistant" if turn.weight is None else turn.weight > 0


def _kept(value: Any) -> str | None:
    """A string as it is, a number as written, all else as JSON."""
    if isinstance(value, list | dict):
        return _json(value)
    return string_of(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=False, default=str)


def _said(value: Any, column: str, role: str, wanted: RecordColumns) -> list[Turn]:
    """A text as one turn of that role, a list as the turns that it holds."""
    if type(value) is str and not _is_turns(value):
        if not value.strip():
            raise Unfit(f"`{column}` is empty")
        return [Turn(role, value)]
    return _turns(value, column, wanted)


def _is_turns(text: str) -> bool:
    """Whether a string is JSON of turns, as CSV and some Parquet files hold them."""
    if not text.lstrip().startswith("[{"):
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return all(isinstance(turn, dict) and any(key in turn for key in ROLE_KEYS) for turn in value)


def _turns(value: Any, column: str, wanted: RecordColumns) -> list[Turn]:
    if type(value) is str:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Unfit(f"`{column}` is a string and no JSON, not a list of turns") from None
    if not isinstance(value, list):
        raise Unfit(f"`{column}` is {holds(value)}, not a list of turns")
    if not value:
        raise Unfit(f"`{column}` is an empty list")
    if len(value) > MAX_TURNS:
        raise Unfit(f"`{column}` has more than {MAX_TURNS} turns")
    turns = [_turn(one, f"`{column}`, turn {number}", wanted) for number, one in enumerate(value)]
    for number, turn in enumerate(turns):
        if turn.role in ("user", "assistant") and not (turn.content.strip() or turn.calls):
            raise Unfit(f"`{column}`, turn {number} is empty")
    # An empty system turn says nothing, and data sets are full of them.
    return [turn for turn in turns if turn.role != "system" or turn.content.strip()]


def _turn(one: Any, where: str, wanted: RecordColumns) -> Turn:
    if not isinstance(one, dict):
        raise Unfit(f"{where} is {holds(one)}, not an object with role and content")
    name = next((one[key] for key in ROLE_KEYS if one.get(key) is not None), None)
    if type(name) is not str:
        raise Unfit(f"{where} has no role: it is {holds(one)}")
    role = wanted.roles.get(name)
    if role is None:
        raise Unfit(f"{where} has the role `{printable(name)}`: say what it is, roles: {{{printable(name)}: user}}")
    content = _content(next((one[key] for key in CONTENT_KEYS if one.get(key) is not None), None), where)
    calls = one.get("tool_calls") or one.get("function_call")
    return Turn(role, content, _json(calls) if calls else "", _weight(one, where))


def _content(value: Any, where: str) -> str:
    if value is None:
        return ""
    if type(value) is str:
        return value
    if not isinstance(value, list):
        raise Unfit(f"{where}: its content is {holds(value)}, not a string")
    texts = []
    for part in value:
        if not isinstance(part, dict) or part.get("type") not in TEXT_PARTS or type(part.get("text")) is not str:
            raise Unfit(f"{where}: its content has a part that is no text")
        texts.append(part["text"])
    return "".join(texts)


def _weight(one: Mapping[str, Any], where: str) -> float | None:
    trained, weight = one.get("train"), one.get("weight")
    if trained is not None and not isinstance(trained, bool):
        raise Unfit(f"{where}: `train` is {holds(trained)}, not true or false")
    number = number_of(weight)
    if weight is not None and (number is None or number < 0):
        raise Unfit(f"{where}: `weight` is no number of at least 0")
    if trained is False:
        return 0.0
    return number if number is not None else (1.0 if trained else None)
