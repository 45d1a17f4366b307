"""Conversations as a Hugging Face chat template writes them, with what the assistant says found in the text.

Where the template marks it (``{% generation %}``), the marks are the loss, as in ``apply_chat_template(…,
return_assistant_tokens_mask=True)``. Else each content is written between two characters that stand in no record: where the
text without them is the text that the template writes, they say where contents stand, and the assistant's, with the end
of turn behind it, has the loss. A template that changes contents (it cuts thoughts out of earlier turns, say) is asked for the
conversation with a mark in place of each. A turn with tool calls is what the conversation up to it has more than the one before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from curation import storage, turns
from curation.methods.formatters.jinja_sandbox import FAULTS, compiled
from curation.methods.formatters.segments import Formatted, in_a_row
from schemas.errors import RecipeError
from schemas.formatters import Chat, is_inline
from schemas.tables import SEGMENT_KINDS

CHAT_FILES = ("tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
"""What is read of a tokenizer's folder."""
SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token")
MAX_TEMPLATE_BYTES = 4_000_000
MARKS = tuple(chr(0xF0000 + number) for number in range(64))
"""Private-use characters: two that a record does not hold stand around its contents."""
GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
"""As transformers looks for it."""
Message = dict[str, Any]
Piece = tuple[str, str, float]
"""Text, kind, weight (0 without loss)."""


class Refused(ValueError):
    """A record that the template does not write: it raises, or what the assistant says cannot be found."""


@dataclass
class Conversation:
    """Messages as the template gets them, and of each its weight (None: the role's own)."""

    messages: list[Message]
    weights: list[float | None]
    to_be_answered: bool = False

    def weight(self, number: int) -> float:
        given = self.weights[number]
        return given if given is not None else float(self.messages[number]["role"] == "assistant")


@dataclass(frozen=True)
class ChatTemplate:
    """A template with the values that every conversation has."""

    source: str
    place: str
    values: dict[str, Any] = field(default_factory=dict)
    _closings: dict[str, str] = field(default_factory=dict)

    def render(self, messages: list[Message], to_be_answered: bool = False) -> tuple[str, list[tuple[int, int]]]:
        """What the template writes, and the spans that it marks. Raises Refused."""
        sandbox, template = compiled(self.source, self.place)
        given = {"tools": None, "documents": None, **self.values}
        try:
            return sandbox.rendered(template, {**given, "messages": messages, "add_generation_prompt": to_be_answered})
        except FAULTS as error:
            said = str(error) if type(error).__name__ in ("TemplateError", "UndefinedError", "TooMuch") else ""
            raise Refused(said or type(error).__name__) from None

    @property
    def marks(self) -> bool:
        """Whether it says itself what the assistant says."""
        return GENERATION.search(self.source) is not None

    def pieces(self, one: Conversation) -> list[Piece]:
        """The text in pieces. Raises Refused."""
        text, marked = self.render(one.messages, one.to_be_answered)
        contents = self._contents(one, text)
        spans: list[tuple[int, int, float]] = []
        answers = [n for n, message in enumerate(one.messages) if message["role"] == "assistant"]
        if self.marks:
            if len(marked) != len(answers) and any(one.weights[n] is not None for n in answers):
                raise Refused(f"it marks {len(marked)} spans for {len(answers)} assistant turns, which have weights")
            weights = [one.weight(n) for n in answers] if len(marked) == len(answers) else [1.0] * len(marked)
            spans = [(*span, weight) for span, weight in zip(marked, weights, strict=True)]
        else:
            for number in range(len(one.messages)):
                if one.weight(number) > 0:
                    spans.append((*self._span(one, number, text, contents), one.weight(number)))
        return _cut(text, self._regions(one, text, contents, spans), spans)

    def _contents(self, one: Conversation, text: str) -> list[tuple[int, int]] | None:
        """Where each content stands in the text, as the template writes it; None where that is not to be found."""
        plain = [message["content"] for message in one.messages]
        free = [mark for mark in MARKS if not any(mark in content for content in plain)][:2]
        if len(free) < 2:
            return None
        whole = self._between_marks(one, text, free, str)
        return whole or self._between_marks(one, text, free, str.strip) or self._replaced(one, text, free[0])

    def _between_marks(
        self, one: Conversation, text: str, marks: list[str], core_of: Callable[[str], str]
    ) -> list[tuple[int, int]] | None:
        """Contents that the template writes as they are, or but for white space around them: all at once, between marks."""
        opening, closing = marks
        marked, cores = [], []
        for message in one.messages:
            content = message["content"]
            core = core_of(content)
            at = content.find(core)
            marked.append({**message, "content": f"{content[:at]}{opening}{core}{closing}{content[at + len(core) :]}"})
            cores.append(core)
        try:
            with_marks, _ = self.render(marked, one.to_be_answered)
        except Refused:
            return None
        parts = with_marks.replace(closing, opening).split(opening)
        if len(parts) != 2 * len(cores) + 1 or "".join(parts) != text or parts[1::2] != cores:
            return None
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return [(ends[2 * n], ends[2 * n + 1]) for n in range(len(cores))]

    def _replaced(self, one: Conversation, text: str, mark: str) -> list[tuple[int, int]] | None:
        """Contents that the template changes: what of the text is another where one of them is a mark instead."""
        found = []
        for number, message in enumerate(one.messages):
            messages = [*one.messages]
            messages[number] = {**message, "content": mark}
            try:
                other, _ = self.render(messages, one.to_be_answered)
            except Refused:
                return None
            start = other.find(mark)
            behind = len(other) - start - len(mark)
            same = (
                other.count(mark) == 1 and text.startswith(other[:start]) and text.endswith(other[start + len(mark) :])
            )
            if not same or start + behind > len(text):
                return None
            found.append((start, len(text) - behind))
        in_order = all(before[1] <= after[0] for before, after in pairwise(found))
        return found if in_order else None

    def _span(
        self, one: Conversation, number: int, text: str, contents: list[tuple[int, int]] | None
    ) -> tuple[int, int]:
        """Where a turn stands that has loss, its end of turn included. Raises Refused."""
        called = bool(one.messages[number].get("tool_calls"))
        if contents is not None and not called:
            start, end = contents[number]
            closing = self.closing(one.messages[number]["role"]).rstrip()
            return start, end + len(closing) if text.startswith(closing, end) else end
        if one.messages[number]["role"] != "assistant":
            raise Refused("it changes what turns say, and one that is not the assistant's has loss")
        before, _ = self.render(one.messages[:number], True) if number else ("", [])
        upto, _ = self.render(one.messages[: number + 1])
        end = _alike(upto.rstrip(), text)
        if not text.startswith(before) or end <= len(before):
            raise Refused("what the assistant says cannot be found in what it writes: mark it with {% generation %}")
        return len(before), end

    def closing(self, role: str) -> str:
        """What stands behind a turn of that role, at the end of a short conversation; empty where that is not to be found."""
        if role not in self._closings:
            self._closings[role] = self._closing(role)
        return self._closings[role]

    def _closing(self, role: str) -> str:
        messages: list[Message] = [{"role": "user", "content": "a"}]
        if role != "user":
            messages.append({"role": role, "content": "b"})
        try:
            text, _ = self.render(messages)
        except Refused:
            return ""
        contents = self._contents(Conversation(messages, [None] * len(messages)), text)
        if contents is None or text[slice(*contents[-1])] != messages[-1]["content"]:
            return ""
        return text[contents[-1][1] :]

    def _regions(
        self,
        one: Conversation,
        text: str,
        contents: list[tuple[int, int]] | None,
        spans: list[tuple[int, int, float]],
    ) -> list[tuple[int, str]]:
        """Where each region of the text ends, and its kind: a turn's opening belongs to it, and its end."""
        roles = [message["role"] for message in one.messages]
        if contents is None:  # what has no loss is taken for the user's
            cuts = [(at, kind) for start, end, _ in spans for at, kind in ((start, "user"), (end, "assistant"))]
            return [*cuts, (len(text), "user")]
        regions: list[tuple[int, str]] = []
        for number, (_, end) in enumerate(contents):
            closing = self.closing(roles[number])
            last = contents[number + 1][0] if number + 1 < len(contents) else len(text)
            if not text.startswith(closing, end):
                closing = closing.rstrip() if text.startswith(closing.rstrip(), end) else ""
            regions.append((min(end + len(closing), last), roles[number]))
        regions.append((len(text), "assistant" if one.to_be_answered or not roles else roles[-1]))
        return regions


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    both = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(both) if a != b), min(len(one), len(other)))


def _cut(text: str, regions: list[tuple[int, str]], spans: list[tuple[int, int, float]]) -> list[Piece]:
    """The text cut where a region or a span begins or ends."""
    borders = {0, len(text), *(end for end, _ in regions), *(at for start, end, _ in spans for at in (start, end))}
    cuts = sorted(borders)
    pieces: list[Piece] = []
    region = 0
    for start, end in pairwise(cuts):
        while regions[region][0] <= start and region < len(regions) - 1:
            region += 1
        weight = next((w for a, b, w in spans if a <= start and end <= b), 0.0)
        pieces.append((text[start:end], regions[region][1], weight))
    return pieces


def by_template(documents: pa.Table, params: Chat) -> Formatted:
    """Documents as the template writes them; one that it refuses is empty, and said to be so."""
    template = chat_template(params)
    texts: list[str] = []
    kinds: list[int] = []
    weights: list[float] = []
    starts = [0]
    refused: dict[int, str] = {}
    for number, one in enumerate(conversations(documents, params)):
        try:
            pieces = template.pieces(one)
        except Refused as why:
            pieces = []
            refused[number] = str(why)
        texts += [text for text, _, _ in pieces]
        kinds += [SEGMENT_KINDS.index(kind) for _, kind, _ in pieces]
        weights += [weight for _, _, weight in pieces]
        starts.append(len(texts))
    return in_a_row(
        pa.array(texts, pa.large_string()),
        np.array(starts, dtype=np.int64),
        np.array(kinds, dtype=np.int8),
        np.array(weights, dtype=np.float32),
        refused,
    )


def conversations(documents: pa.Table, params: Chat) -> Iterator[Conversation]:
    """Every document as messages: a record's turns; a prompt and its answer; a text as one assistant turn."""
    system: list[Message] = [{"role": "system", "content": params.system}] if params.system else []
    spoken = turns.messages(documents)
    prompts = documents["prompt"].to_pylist()
    texts = documents["text"].to_pylist()
    for record, prompt, text in zip(spoken, prompts, texts, strict=True):
        if record is None:
            asked = [{"role": "user", "content": prompt}] if prompt else []
            messages = [*system, *asked, {"role": "assistant", "content": text}]
            yield Conversation(messages, [None] * len(messages))
        else:
            messages, weights, verified = record
            added = system if messages[0]["role"] != "system" else []
            to_be_answered = verified and messages[-1]["role"] != "assistant"
            yield Conversation([*added, *messages], [*([None] * len(added)), *weights], to_be_answered)


def chat_template(params: Chat) -> ChatTemplate:
    """The template and its values, read from its files. Raises RecipeError."""
    if params.template is not None:
        source = params.template
        if not is_inline(source):
            source = _read(source, "conditioning.template").decode("utf-8", "replace")
        return ChatTemplate(source, "conditioning.template", dict(params.variables))
    place = "conditioning.tokenizer"
    folder = params.tokenizer or ""
    config = _config(storage.join(folder, CHAT_FILES[0]), place)
    values: dict[str, Any] = {}
    for given in (_config(storage.join(folder, CHAT_FILES[2]), place, optional=True), config):
        for name in SPECIAL:
            token = given.get(name)
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                values[name] = token
    own = storage.join(folder, CHAT_FILES[1])
    templates = config.get("chat_template")
    if isinstance(templates, list):  # several, by name
        named = {one.get("name"): one.get("template") for one in templates if isinstance(one, dict)}
        templates = named.get("default")
    if storage.exists(own):
        templates = _read(own, place).decode("utf-8", "replace")
    if not isinstance(templates, str):
        raise RecipeError(place, f"{folder!r} has no chat template: give one, conditioning.template")
    return ChatTemplate(templates, place, values | params.variables)


def check_template(params: Chat, id_of: Callable[[str], int | None] | None) -> None:
    """Raises RecipeError for a template that cannot be read or is none, and where it writes special tokens that the tokenizer of the
    shards does not have. id_of: that tokenizer's; None where there is none."""
    if params.template is None and params.tokenizer is None:
        return
    template = chat_template(params)
    compiled(template.source, template.place)
    for name in SPECIAL if id_of is not None else ():
        token = template.values.get(name)
        written = isinstance(token, str) and bool(token) and re.search(rf"\b{name}\b", template.source) is not None
        if written and id_of is not None and id_of(str(token)) is None:
            raise RecipeError(
                template.place,
                f"the template writes {name}, {token!r}, which the tokenizer of the shards does not have: set shards.tokenizer to "
                "the one that the template is of",
            )


def _config(path: str, place: str, *, optional: bool = False) -> dict[str, Any]:
    if optional and not storage.exists(path):
        return {}
    try:
        made = json.loads(_read(path, place))
    except (ValueError, RecursionError):
        made = None
    if not isinstance(made, dict):
        raise RecipeError(place, f"{path!r} is no JSON object")
    return made


def _read(path: str, place: str) -> bytes:
    if not storage.exists(path):
        raise RecipeError(place, f"{path!r} is no file")
    if storage.size(path) > MAX_TEMPLATE_BYTES:
        raise RecipeError(place, f"{path!r} has more than {MAX_TEMPLATE_BYTES:,} bytes: no chat template")
    return storage.read_bytes(path)
