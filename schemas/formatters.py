"""Formatters: how a document is written as text and segments. Recipe section `conditioning`, told apart by `method`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from schemas.section import Section

_TEMPLATE_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|([{}])")

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Label = Annotated[str, Field(min_length=1)]
StreamKind = Literal["user_text", "user_speech", "model_text", "model_speech"]


def template_parts(template: str) -> list[tuple[str, bool]]:
    """A template as (text, is a name) in order. Raises ValueError for a brace that is neither a name nor doubled.

    >>> template_parts("URL: {domain} {{x}}")
    [('URL: ', False), ('domain', True), (' {x}', False)]
    """
    parts: list[tuple[str, bool]] = []
    literal, last = "", 0
    for match in _TEMPLATE_PART.finditer(template):
        literal += template[last : match.start()]
        last = match.end()
        if match[2]:
            raise ValueError(f"a template holds names like {{domain}}; write {match[2] * 2} for a plain {match[2]}")
        if match[1]:
            if literal:
                parts.append((literal, False))
            parts.append((match[1], True))
            literal = ""
        else:
            literal += match[0][0]
    literal += template[last:]
    if literal:
        parts.append((literal, False))
    return parts


def template_names(template: str) -> list[str]:
    """The names that a template substitutes, in order, each once."""
    return list(dict.fromkeys(text for text, is_name in template_parts(template) if is_name))


def is_inline(template: str) -> bool:
    """Whether a chat template is given as itself, not as the path of a file."""
    return "{{" in template or "{%" in template


def _checked(template: str) -> str:
    template_parts(template)
    return template


class Template(Section):
    """A metadata prefix made from a template, without loss (MeCo's `URL: …`, registered domain, suffix or hash)."""

    method: Literal["template"] = "template"
    """A prefix with the document's metadata."""
    template: str
    """The prefix. `{name}` is a declared tag or source, url, language, quality, date, tokens, id; `{{` is a brace. A
    document that lacks a name gets no prefix."""
    hash: bool = False
    """Write a hash of each value in place of the value, so that only equality survives."""

    _template = field_validator("template")(_checked)

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return template_names(self.template)


class Plain(Section):
    """The text alone, after its prompt where it has one."""

    method: Literal["plain"]
    """No conditioning."""
    prompt_loss: bool = False
    """Whether prompts are trained on too (Mix-CPT: instructions as plain text)."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


class Slot(Section):
    """One place in the row of tags."""

    name: Name
    """The tag or built-in name that fills it."""
    vocabulary: Annotated[list[Label], Field(min_length=1)]
    """The values there may be; another one is an error."""
    missing: Label | None = None
    """Stands where the document has no value (Qwen-Audio: unknown); null makes that an error."""


class Tags(Section):
    """A row of tags from closed vocabularies before the text, always the same slots in the same order (Qwen-Audio)."""

    method: Literal["tags"]
    """A prefix of tags from closed vocabularies."""
    slots: Annotated[list[Slot], Field(min_length=1)]
    """The slots, the most general first: early tags are shared, later ones tell apart."""
    opening: str = "<|"
    """Stands before each value."""
    closing: str = "|>"
    """Stands behind each value."""
    end: str = ""
    """Stands between the last tag and the text."""
    loss: bool = False
    """Whether the tags are trained on."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return list(dict.fromkeys(slot.name for slot in self.slots))


class Denoiser(Section):
    """One way to corrupt a text."""

    mode: Label
    """The mode token."""
    span: Annotated[float, Field(ge=1)] | None = None
    """Mean words in a hidden span; null hides one span at the end (a prefix language model)."""
    rate: Annotated[float, Field(gt=0, lt=1)]
    """Share of the words that is hidden."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Its share of a phase's documents, relative to the others; met to within a document."""


UL2 = [
    Denoiser(mode="[NLU]", span=3, rate=0.15),
    Denoiser(mode="[NLU]", span=8, rate=0.15),
    Denoiser(mode="[S2S]", span=None, rate=0.25),
    Denoiser(mode="[NLG]", span=3, rate=0.5),
    Denoiser(mode="[NLG]", span=8, rate=0.5),
    Denoiser(mode="[NLG]", span=64, rate=0.15),
    Denoiser(mode="[NLG]", span=64, rate=0.5),
]
"""UL2, table 1: R, R, S, X, X, X, X."""


class Modes(Section):
    """A mode token, the text with hidden spans, then the hidden spans with loss (UL2's mixture of denoisers)."""

    method: Literal["modes"]
    """Mode token and span corruption."""
    denoisers: Annotated[list[Denoiser], Field(min_length=1)] = Field(default=UL2)
    """The denoisers, one for each document; UL2's seven, all alike, by default."""
    max_sentinels: Annotated[int, Field(ge=1)] = 100
    """Sentinels <extra_id_0> … that the tokenizer knows (T5: 100); more spans than that become longer spans."""
    end: str = "</s>"
    """Closes the input and the target; empty for none."""

    @model_validator(mode="after")
    def _some_weight(self) -> Modes:
        if not sum(d.weight for d in self.denoisers) > 0:
            raise ValueError("at least one denoiser needs a weight over 0")
        return self

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


class Masked(Section):
    """The text with loss on some of its words alone, at a rate that is drawn for each document and epoch (MLM-U)."""

    method: Literal["masked"]
    """Words to be predicted."""
    min_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The least share of a document's words that is masked."""
    max_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The greatest; the rate is drawn uniformly between the two."""

    @model_validator(mode="after")
    def _ordered(self) -> Masked:
        if self.min_rate > self.max_rate:
            raise ValueError("min_rate is above max_rate")
        return self

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


class Chunks(Section):
    """How one stream of a timeline is written."""

    chunk: Annotated[int, Field(ge=1)]
    """Words (or speech units between white space) of a chunk."""
    loss: bool = False
    """Whether it is trained on."""


FLAT: dict[StreamKind, Chunks] = {
    "user_text": Chunks(chunk=2),
    "user_speech": Chunks(chunk=10),
    "model_text": Chunks(chunk=2, loss=True),
    "model_speech": Chunks(chunk=10, loss=True),
}
"""OmniFlatten's four streams and their chunks."""


class Timeline(Section):
    """Streams with times as one text: each cut into chunks, the chunks in the order of their times (OmniFlatten)."""

    method: Literal["timeline"]
    """Streams interleaved by time."""
    texts: Name
    """A tag with the texts of a record's items (`from: items`)."""
    stream: Name
    """A tag with the stream of each item: user_text, user_speech, model_text or model_speech."""
    start: Name
    """A tag with the second at which each item begins."""
    end: Name
    """A tag with the second at which it ends."""
    streams: Annotated[dict[StreamKind, Chunks], Field(min_length=1)] = Field(default=FLAT)
    """The streams that are written; items of others are left out. Chunks of one time come in this order."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [self.texts, self.stream, self.start, self.end]


class Experience(Section):
    """A record of what was done and seen in a world, as a plan or as a question about it (language models meet world models)."""

    method: Literal["experience"]
    """Plans, and questions about what happened."""
    write: Literal["plan", "question"] = "plan"
    """plan: the goal, then the actions with loss; question: the steps, what was seen after one of them, drawn, with loss."""
    goal: Name
    """A tag with the goal."""
    actions: Name
    """A tag with the actions (`from: items`)."""
    observations: Name
    """A tag with what was seen after each action (`from: items`)."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [self.goal, self.actions, self.observations]


class Budgets(Section):
    """Parts of a record's modalities as input and others as target, in shares that are drawn for each record (4M-21)."""

    method: Literal["budgets"]
    """Input and target budgets by modality."""
    texts: Name
    """A tag with the texts of a record's items (`from: items`), one a modality."""
    modalities: Name
    """A tag with the modality of each item."""
    input_words: Annotated[int, Field(ge=1)] = 128
    """Words that a record shows, at most."""
    target_words: Annotated[int, Field(ge=1)] = 128
    """Words that it asks for, at most; those that are shown are not asked for."""
    alpha: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
    """Modality -> α of the Dirichlet distribution that its shares are drawn from; a small one makes records of few modalities."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [self.texts, self.modalities]


class Example(Section):
    """One worked example of a task."""

    input: str
    """What is asked."""
    output: str
    """What is answered."""
    explanation: str = ""
    """Why."""


class Task(Section):
    """What an instruction says of a task."""

    definition: Label
    """What is to be done."""
    examples: list[Example] = Field(default=[])
    """Positive examples, the most telling first: the last are left out where the instruction gets too long."""


class Instruction(Section):
    """Definition and examples of the task around the prompt; loss on the answer alone (In-BoXBART)."""

    method: Literal["instruction"]
    """An instruction template around the prompt."""
    by: Name | None = None
    """A tag that is the task; null where there is one task for all."""
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    """Label -> task; with `by: null` the only one. A document of another task, or without a prompt, is written
    plain."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """Characters of the instruction at most: examples are dropped from the end, the instance never."""

    @model_validator(mode="after")
    def _one_task(self) -> Instruction:
        if self.by is None and len(self.tasks) != 1:
            raise ValueError(f"got {len(self.tasks)} tasks; name in `by` the tag that tells them apart")
        return self

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [] if self.by is None else [self.by]


class Chat(Section):
    """Prompt and answer, or the turns of a record, as turns of a chat; loss on the assistant's turns and their ends. By a Hugging
    Face chat template, or by turn markers (TÜLU 3's by default)."""

    method: Literal["chat"]
    """Chat turns. A document without a prompt is one assistant turn."""
    template: str | None = None
    """A Hugging Face chat template (Jinja): a file, or the template itself. The markers below are then not used."""
    tokenizer: str | None = None
    """A folder with a tokenizer's `tokenizer_config.json` (and `chat_template.jinja`), whose chat template is used, with its
    special tokens."""
    variables: dict[Name, str | bool | int | float | None] = {}
    """What else the template is given: `bos_token`, `enable_thinking`, …"""
    system: str = ""
    """What the system turn says, of conversations that have none; empty for none."""
    system_start: str = "<|system|>\n"
    """Opens the system turn."""
    user_start: str = "<|user|>\n"
    """Opens the user's turn."""
    assistant_start: str = "<|assistant|>\n"
    """Opens the assistant's turn."""
    tool_start: str = "<|tool|>\n"
    """Opens a tool's turn."""
    turn_end: str = "\n"
    """Closes every turn but the assistant's, and stands behind that where another turn follows."""
    answer_end: str = "<|endoftext|>"
    """Closes the assistant's turn, with loss."""

    @model_validator(mode="after")
    def _one_template(self) -> Chat:
        if self.template is not None and self.tokenizer is not None:
            raise ValueError("give one of template and tokenizer")
        if self.variables and self.template is None and self.tokenizer is None:
            raise ValueError("variables are a chat template's: give template or tokenizer too")
        return self

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


class Demonstrations(Section):
    """Neighbours of the document before it, the most similar one last; loss on the document alone (UDR)."""

    method: Literal["demonstrations"]
    """Demonstrations packed by similarity."""
    examples: Name
    """A tag with the neighbours' texts (`from: items`), the most similar first unless `similarities` is given."""
    similarities: Name | None = None
    """A tag with a number for each neighbour (`from: items`)."""
    ids: Name | None = None
    """A tag with the id, or the own name, of each neighbour (`from: items`): the document itself is left out by it."""
    documents: Annotated[int, Field(ge=1)] = 3
    """Neighbours at most: the most similar ones."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """Characters of all demonstrations at most; one that does not fit is skipped."""
    max_similarity: float | None = None
    """Neighbours more similar than this are near duplicates and left out; the document itself always is, be it its text
    or its prompt with its text, white space aside."""
    separator: str = "\n\n"
    """Stands behind each demonstration."""
    one_a_pass: bool = False
    """Each pass over a document shows one neighbour, the most similar one first, with the softmax of its similarity among them as the
    document's weight (`shards.loss_weights`): `epochs: K` gives K rows a record, whose weights add up to 1."""

    @model_validator(mode="after")
    def _weighs_by_similarity(self) -> Demonstrations:
        if self.one_a_pass and self.similarities is None:
            raise ValueError("one_a_pass weighs by similarity: set similarities too")
        return self

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [name for name in (self.examples, self.similarities, self.ids) if name is not None]


class Thoughts(Section):
    """Earlier thoughts between the prompt and the answer, without loss (PTR, progressive thought refinement)."""

    method: Literal["thoughts"]
    """Thoughts without loss."""
    thoughts: Name
    """A tag with the document's thoughts in order (`from: items`)."""
    separator: str = "\n\n"
    """Stands behind each thought."""
    loss: bool = False
    """Whether thoughts are trained on (the paper's ablation)."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [self.thoughts]


class Steps(Section):
    """Steps of reasoning before the answer, for a share of the documents, some of them wrong (explicit CoT)."""

    method: Literal["steps"]
    """Steps of reasoning, with a share and a noise rate."""
    steps: Name
    """A tag with the document's steps in order (`from: items`)."""
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of a phase's documents that get their steps (λ), to the nearest document."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the steps that are made wrong: other digits; without digits, the words in another order."""
    separator: str = "\n"
    """Stands behind each step."""
    loss: bool = True
    """Whether steps are trained on."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [self.steps]


class Table(Section):
    """A document that is a delimited table, written out as text."""

    method: Literal["table"]
    """Table serialisation."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Stands between the cells of a line; its first line has the columns' names."""
    style: Literal["rows", "markdown", "sentences"] = "rows"
    """rows: `col : a | b row 1 : x | y` (TAPEX); markdown: a pipe table; sentences: `a: x; b: y.` a line."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


class Enumerate(Section):
    """A document as a numbered list, an item a line."""

    method: Literal["enumerate"]
    """Enumerated items."""
    items: Name | None = None
    """A tag with the items (`from: items`); null takes the text's lines."""
    start: Annotated[int, Field(ge=0)] = 1
    """The first number."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return [] if self.items is None else [self.items]


def _method(value: Any) -> Any:
    """`method`, which only the default member may leave out."""
    return value.get("method", "template") if isinstance(value, dict) else getattr(value, "method", None)


Conditioning = Annotated[
    Annotated[Template, Tag("template")]
    | Annotated[Plain, Tag("plain")]
    | Annotated[Tags, Tag("tags")]
    | Annotated[Modes, Tag("modes")]
    | Annotated[Masked, Tag("masked")]
    | Annotated[Timeline, Tag("timeline")]
    | Annotated[Experience, Tag("experience")]
    | Annotated[Budgets, Tag("budgets")]
    | Annotated[Instruction, Tag("instruction")]
    | Annotated[Chat, Tag("chat")]
    | Annotated[Demonstrations, Tag("demonstrations")]
    | Annotated[Thoughts, Tag("thoughts")]
    | Annotated[Steps, Tag("steps")]
    | Annotated[Table, Tag("table")]
    | Annotated[Enumerate, Tag("enumerate")],
    Discriminator(_method),
]
