"""A recipe file to a validated ``Recipe``; every mistake with its place, the bad value and the nearest valid one."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Hashable, Iterable
from typing import Any

import yaml
from pydantic import ValidationError

from curation import storage
from schemas.errors import RecipeError, RecipeMistakes
from schemas.recipe import Recipe

Path = tuple[str | int, ...]


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice (plain YAML silently keeps the last)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


def load(path: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read, override (``key.path=value``, values are YAML) and validate a recipe.

    Raises RecipeError (unreadable file, bad override) or RecipeMistakes (one message a mistake).
    """
    try:
        text = storage.read_bytes(path).decode("utf-8")
    except FileNotFoundError:
        raise RecipeError(path, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(path, f"cannot be read: {type(error).__name__}") from None
    try:
        plain = yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise RecipeError(where, f"not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise RecipeError(path, "not valid YAML") from None
    if not isinstance(plain, dict):
        raise RecipeError(path, f"a recipe is a mapping with `name` and `sources`, this file holds {_kind(plain)}")
    for override in overrides:
        plain = _override(plain, override)
    return validate(plain)


def validate(plain: dict[str, Any]) -> Recipe:
    """The recipe of plain data. Raises RecipeMistakes."""
    try:
        return Recipe.model_validate(plain)
    except ValidationError as error:
        raise RecipeMistakes(_mistakes(error, plain)) from None


def digest(recipe: Recipe) -> str:
    """sha256 hex of what decides a release's content: the resolved recipe without output, engine, descriptions."""
    plain = recipe.resolved()
    for key in ("output", "engine", "description"):
        plain.pop(key)
    return hashlib.sha256(canonical(plain).encode()).hexdigest()


def canonical(plain: Any) -> str:
    """JSON with sorted keys and no spaces: the same text for the same data."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _override(plain: dict[str, Any], override: str) -> dict[str, Any]:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {override}", "write key.path=value")
    try:
        parsed = yaml.load(value, _StrictLoader)
    except yaml.YAMLError:
        raise RecipeError(f"--set {key}", "the value is not valid YAML") from None
    node: Any = plain
    steps = [int(step) if step.isdigit() else step for step in key.replace("[", ".").replace("]", "").split(".")]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        last = following is None
        if isinstance(node, list):
            if not isinstance(step, int) or step >= len(node):
                raise RecipeError(f"--set {key}", f"{step!r} is no place in a list of {len(node)}")
        elif isinstance(node, dict):
            step = str(step)
            if not last and not isinstance(node.get(step), dict | list):
                node[step] = {}
        else:
            raise RecipeError(f"--set {key}", f"{step!r} reaches into a plain value")
        if last:
            node[step] = parsed
        else:
            node = node[step]
    return plain


def _mistakes(error: ValidationError, plain: Any) -> list[RecipeError]:
    """One message a mistake: pydantic reports each branch of a union, only the branch that got furthest is meant."""
    found: dict[Path, list[Any]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_place_in(plain, detail["loc"]), []).append(detail)
    deepest = [place for place in found if not any(other[: len(place)] == place and other != place for other in found)]
    # A model-wide check stands at its section's place and is no branch of a union: keep it beside deeper mistakes.
    wide = [place for place in found if place not in deepest and any(d["type"] == "value_error" for d in found[place])]
    schema = Recipe.model_json_schema(by_alias=True, mode="validation")
    made = [_mistake(place, found[place], plain, schema) for place in [*wide, *deepest]]
    telling = [one for one in made if "does not go with" not in one.message]
    return telling or made


def _place_in(plain: Any, location: tuple[int | str, ...]) -> Path:
    """The part of pydantic's location that is a place in the input: the names of union branches are left out."""
    place: list[str | int] = []
    node: Any = plain
    for i, step in enumerate(location):
        if (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and step < len(node)
        ):
            place.append(step)
            node = node[step]  # type: ignore[index]
        elif isinstance(node, dict) and i == len(location) - 1 and isinstance(step, str) and step.isidentifier():
            place.append(step)  # a missing key
    return tuple(place)


def _mistake(place: Path, details: list[Any], plain: Any, schema: dict[str, Any]) -> RecipeError:
    order = {
        "value_error": 0,
        "extra_forbidden": 1,
        "missing": 2,
        "union_tag_invalid": 3,
        "literal_error": 8,
        "none_required": 9,
    }
    detail = min(details, key=lambda d: order.get(d["type"], 5))
    kind, text, value = detail["type"], _spell(place), detail.get("input")
    if kind == "extra_forbidden":
        return RecipeError(text, _unknown_key(str(place[-1]), value, _keys_at(schema, place[:-1]), schema, place))
    if kind == "missing":
        return RecipeError(text, "this key is needed and missing")
    if kind == "value_error":
        return RecipeError(text, str(detail["ctx"]["error"]))
    got = _shown(value)
    choices = sorted({c for d in details for c in _choices(d)} | _constants_at(schema, place))
    if kind == "union_tag_invalid":
        named = str(detail["ctx"]["tag"])
        return RecipeError(text, f"unknown `{_discriminator(detail)}` {named!r}; {_allowed(named, choices)}")
    tagless = next((d for d in details if d["type"] == "union_tag_not_found"), None)
    literals = [d for d in details if d["type"] in ("literal_error", "enum")]
    if choices and (len(literals) == len(details) or (literals and isinstance(value, str))):
        others = [("a mapping", tagless or _takes(details, dict)), ("a list", _takes(details, list))]
        more = "".join(f", or {kind}" for kind, taken in others if taken) if len(literals) < len(details) else ""
        return RecipeError(text, f"got {got}; {_allowed(str(value), choices, more)}")
    if tagless is not None:
        key, kinds = _discriminator(tagless), sorted(_kinds_at(schema, place))
        if isinstance(value, str):
            return RecipeError(text, f"got {got}; write a mapping with `{key}`; {_allowed(value, kinds)}")
        return RecipeError(text, f"a mapping with `{key}` is needed; {_allowed('', kinds)}")
    messages = dict.fromkeys(d["msg"][0].lower() + d["msg"][1:] for d in details if d["type"] not in ("none_required",))
    return RecipeError(text, f"got {got}; {' or '.join(messages)}")


def _unknown_key(key: str, value: Any, valid: set[str], schema: dict[str, Any], place: Path) -> str:
    """What is wrong with a key: unknown, or of another kind of section than the rest makes it."""
    if key not in valid:
        return f"unknown key {key!r}{_nearest(key, valid)}"
    kinds = _constants_at(schema, place)
    if kinds and str(value) not in kinds:
        return f"got {_shown(value)}; {_allowed(str(value), sorted(kinds))}"
    return f"the key {key!r} does not go with the other keys here"


def _allowed(word: str, choices: list[str], more: str = "") -> str:
    """The choices, once, and the nearest where one is near."""
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.4)
    return f"allowed: {', '.join(choices)}{more}{f'; did you mean {close[0]!r}?' if close else ''}"


def _discriminator(detail: Any) -> str:
    """The key that says which kind of section one is: `name`, `from`, `method`."""
    said = str(detail["ctx"]["discriminator"]).split("|")[-1].strip().strip("'")
    return said.removeprefix("_").removesuffix("()")


def _takes(details: list[Any], kind: type) -> bool:
    """Whether one of the branches wants a mapping (or a list)."""
    return any(
        d["type"] in (("model_type", "dict_type", "model_attributes_type") if kind is dict else ("list_type",))
        for d in details
    )


def _kinds_at(schema: dict[str, Any], place: Path) -> set[str]:
    """The values that tell the kinds of section at a place apart."""
    return {
        str(node["const"])
        for key in ("method", "name", "from")
        for node in _nodes_at(schema, (*place, key))
        if "const" in node
    }


def _choices(detail: Any) -> list[str]:
    expected = detail.get("ctx", {}).get("expected") or detail.get("ctx", {}).get("expected_tags") or ""
    return [part.strip().strip("'") for part in str(expected).replace(" or ", ", ").split(",") if part.strip()]


def _nearest(word: str, valid: Iterable[str]) -> str:
    valid = sorted(valid)
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.4)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; valid here: {', '.join(valid)}" if valid else ""


def _branches(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The node with references followed and unions opened."""
    if "$ref" in node:
        return _branches(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
    options = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    return [node, *(branch for option in options for branch in _branches(schema, option))]


def _nodes_at(schema: dict[str, Any], place: Path) -> list[dict[str, Any]]:
    nodes = _branches(schema, schema)
    for step in place:
        following: list[dict[str, Any]] = []
        for node in nodes:
            if isinstance(step, int) and isinstance(node.get("items"), dict):
                following += _branches(schema, node["items"])
            elif isinstance(step, str) and step in node.get("properties", {}):
                following += _branches(schema, node["properties"][step])
            elif isinstance(step, str) and "patternProperties" in node:
                following += [b for n in node["patternProperties"].values() for b in _branches(schema, n)]
            elif isinstance(step, str) and isinstance(node.get("additionalProperties"), dict):
                following += _branches(schema, node["additionalProperties"])
        nodes = following
    return nodes


def _keys_at(schema: dict[str, Any], place: Path) -> set[str]:
    return {key for node in _nodes_at(schema, place) for key in node.get("properties", {})}


def _constants_at(schema: dict[str, Any], place: Path) -> set[str]:
    nodes = _nodes_at(schema, place)
    return {str(c) for node in nodes for c in [*node.get("enum", ()), *([node["const"]] if "const" in node else ())]}


def _spell(place: Path) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing"}.get(type(value), repr(value))


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    return repr(value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "…")
