"""Chat templates as what they are to transformers, and bounded: Jinja's immutable sandbox with limits of steps and of output.

Source: Hugging Face transformers, ``utils/chat_template_utils.py``: the settings, ``tojson``, ``raise_exception`` and the blocks
``{% generation %}``. ``strftime_now`` is not there: a date of today would give other bytes every day; templates look whether it
is. A template can loop, or double a string forty times, in a hundred bytes: each round of a loop and each call of a macro is a
step, and everything that is written, added or joined counts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.errors import RecipeError

MAX_STEPS = 100_000
MAX_CHARACTERS = 64_000_000
"""Of one rendering, all that is written on the way; as many again for each character that goes in."""
MAX_BITS = 4096
FILTERS = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "int",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
]
"""Of Jinja's filters, those whose results are no larger than what goes in; ``join``, ``replace`` and ``tojson`` are ours."""
GROWING = frozenset(
    {"center", "encode", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill", "maketrans"}
)
"""Methods of strings that make long ones of short ones."""


class TooMuch(SecurityError):
    """A template that takes more steps, or writes more, than any conversation needs."""


class _State(threading.local):
    steps = 0
    characters = 0
    written: list[str]
    marks: list[tuple[int, int]]


class _Generation(jinja2.ext.Extension):
    """``{% generation %} … {% endgeneration %}``: what the assistant says; notes where it stands in what is written."""

    tags = {"generation"}

    def parse(self, parser: Any) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_noted"), [], [], body).set_lineno(line)

    def _noted(self, caller: Callable[[], str]) -> str:
        text = caller()
        state: _State = self.environment.state  # type: ignore[attr-defined]
        start = sum(map(len, state.written))
        state.marks.append((start, start + len(text)))
        return text


class Sandbox(ImmutableSandboxedEnvironment):
    """Transformers' environment with bounds."""

    intercepted_binops = frozenset({"+", "*", "%", "**"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])
        self.state = _State()
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.filters |= {"tojson": self._tojson, "join": self._join, "replace": self._replace}
        for name in ("lipsum", "cycler", "joiner"):
            del self.globals[name]
        self.globals["raise_exception"] = _raise

    def _parse(self, source: str, name: str | None, filename: str | None) -> jinja2.nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((jinja2.nodes.For, jinja2.nodes.Macro, jinja2.nodes.CallBlock)):
            step = jinja2.nodes.Call(jinja2.nodes.EnvironmentAttribute("step"), [], [], None, None)
            node.body.insert(0, jinja2.nodes.ExprStmt(step))  # type: ignore[attr-defined]
        for output in tree.find_all(jinja2.nodes.Output):
            output.nodes = [self._counted(one) for one in output.nodes]
        for parent in list(tree.find_all(jinja2.nodes.Node)):
            for field, value in parent.iter_fields():
                if isinstance(value, jinja2.nodes.Concat):
                    setattr(parent, field, self._concatenated(value))
                elif isinstance(value, list):
                    value[:] = [
                        self._concatenated(one) if isinstance(one, jinja2.nodes.Concat) else one for one in value
                    ]
        return tree.set_environment(self)  # type: ignore[return-value]

    def _counted(self, node: jinja2.nodes.Expr) -> jinja2.nodes.Expr:
        value = jinja2.nodes.Const(node.data) if isinstance(node, jinja2.nodes.TemplateData) else node
        return jinja2.nodes.Call(jinja2.nodes.EnvironmentAttribute("count"), [value], [], None, None)

    def _concatenated(self, node: jinja2.nodes.Concat) -> jinja2.nodes.Expr:
        return jinja2.nodes.Call(jinja2.nodes.EnvironmentAttribute("concatenate"), node.nodes, [], None, None)

    def step(self) -> None:
        """One round of a loop, or one call of a macro."""
        self.state.steps += 1
        if self.state.steps > MAX_STEPS:
            raise TooMuch(f"it takes more than {MAX_STEPS:,} steps")

    def count(self, value: Any) -> Any:
        """What is written, counted."""
        self._grow(len(value) if isinstance(value, str) else 16)
        return value

    def concatenate(self, *values: Any) -> str:
        """Jinja's ``~``."""
        texts = [str(value) for value in values]
        self._grow(sum(map(len, texts)))
        return "".join(texts)

    def _grow(self, characters: int) -> None:
        self.state.characters += characters
        if self.state.characters > MAX_CHARACTERS:
            raise TooMuch(f"it writes more than {MAX_CHARACTERS:,} characters")

    def _tojson(
        self,
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        if indent is not None and not 0 <= int(indent) <= 16:
            raise TooMuch("tojson: an indent over 16")
        made = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
        self._grow(len(made))
        return made

    def _join(self, value: Any, d: str = "", attribute: str | None = None) -> str:
        items = [self.getitem(one, attribute) if attribute is not None else one for one in value]
        texts = [str(one) for one in items]
        self._grow(sum(map(len, texts)) + len(d) * len(texts))
        return str(d).join(texts)

    def _replace(self, value: Any, old: str, new: str, count: int | None = None) -> str:
        text = str(value)
        self._grow(len(text) + text.count(old) * len(new))
        return text.replace(old, new, -1 if count is None else count)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr in GROWING:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, str) and name == "replace":
            return __self._replace(owner, *args, **kwargs)
        if isinstance(owner, str) and name == "join":
            args = (list(args[0]),) if args else args
            __self._grow(sum(len(str(one)) for one in args[0]) + len(owner) * len(args[0]) if args else 0)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sized = (str, list, tuple)
        if operator == "%" and isinstance(left, str | bytes):
            raise SecurityError("% on a string")
        if operator == "*" and (isinstance(left, sized) or isinstance(right, sized)):
            size, times = (left, right) if isinstance(left, sized) else (right, left)
            self._grow(len(size) * max(int(times), 0))
        elif operator == "+" and isinstance(left, sized) and isinstance(right, sized):
            self._grow(len(left) + len(right))
        elif operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > MAX_BITS:
                raise TooMuch("a number of more digits than any count has")
        return super().call_binop(context, operator, left, right)

    def rendered(self, template: jinja2.Template, values: dict[str, Any]) -> tuple[str, list[tuple[int, int]]]:
        """What it writes, and the spans of it that stand in generation blocks. Raises jinja2.TemplateError, or what else a
        template comes to: TypeError, ValueError, ArithmeticError, RecursionError."""
        state = self.state
        state.steps = state.characters = 0
        state.written, state.marks = [], []
        for block in template.generate(values):
            state.written.append(block)
        return "".join(state.written), list(state.marks)


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


FAULTS = (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What rendering a template may come to."""


@lru_cache(maxsize=16)
def compiled(source: str, place: str) -> tuple[Sandbox, jinja2.Template]:
    """A template, compiled once. Raises RecipeError, with the place and the line."""
    sandbox = Sandbox()
    try:
        return sandbox, sandbox.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise RecipeError(place, f"no chat template: line {error.lineno}: {error.message}") from None
    except FAULTS as error:
        raise RecipeError(place, f"no chat template: {type(error).__name__}") from None
