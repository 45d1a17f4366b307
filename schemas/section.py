"""The base of every part of a recipe: immutable, and closed to unknown keys.

A field's docstring is its description: in the JSON Schema, in the error text and as help in the Prefect form.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Section(BaseModel):
    """A part of the recipe."""

    # hide_input_in_errors: Prefect writes errors down, and what was given may hold a password.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: Any) -> Any:
        """A part that is null, as one is in YAML with nothing below it and in the form where it is folded, has its defaults."""
        return cls.without_nulls(value) if isinstance(value, dict) else value

    @classmethod
    def without_nulls(cls, plain: dict[str, Any]) -> dict[str, Any]:
        """Plain data without the parts that are null and have defaults, for what fills others in before these are."""
        if None not in plain.values():
            return plain
        folded = {field.alias or name for name, field in cls.model_fields.items() if _may_be_null(field)}
        return {name: one for name, one in plain.items() if one is not None or name not in folded}

    def as_form(self) -> dict[str, Any]:
        """As plain data, the parts left out that have their defaults: these are folded in a form that is filled in with it."""
        plain = self.model_dump(mode="json", by_alias=True)
        for name, field in type(self).model_fields.items():
            key, value = field.alias or name, getattr(self, name)
            if _may_be_null(field) and value == field.get_default(call_default_factory=True):
                del plain[key]
            else:
                plain[key] = _as_form(value, plain[key])
        return plain

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema as Prefect's form needs it (tried with 3.8.8).

        Unions flat and as ``anyOf``: of any other it makes a field of raw JSON instead of a selector. A constant, which
        tells the choices apart, as its own default: without one the form leaves it out. A title where pydantic gives none.
        A part that may be left out is null by default, which folds it; a plain default is named in the description, for it
        is gone from the form once another value is typed.
        """
        made = handler(core)
        inside = handler.resolve_ref_schema(made)
        inside["properties"] = {name: _flat(field) for name, field in inside.get("properties", {}).items()}
        for name, field in cls.model_fields.items():
            shown = inside["properties"].get(field.alias or name)
            if shown is not None:
                _fold(shown, field.description) if _may_be_null(field) else _name_default(shown)
        for name, field in inside["properties"].items():
            field.setdefault("title", name.replace("_", " ").title())
            if "const" in field:
                field.setdefault("default", field["const"])
        return made


def _as_form(value: Any, plain: Any) -> Any:
    if isinstance(value, Section):
        return value.as_form()
    if isinstance(value, dict):
        return {key: _as_form(value[key], one) for key, one in plain.items()} if value.keys() == plain.keys() else plain
    if isinstance(value, list | tuple):
        return [_as_form(one, shown) for one, shown in zip(value, plain, strict=True)]
    return plain


def _may_be_null(field: FieldInfo) -> bool:
    """Whether a field is a part of its own that may be left out."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section) and not field.is_required()


def _fold(field: dict[str, Any], description: str | None) -> None:
    if "$ref" not in field:  # pydantic asks for the schema of a part again where it stands again
        return
    field.update(
        anyOf=[{"$ref": field.pop("$ref")}, {"type": "null", "title": "Defaults"}],
        default=None,
        description=description or "",
    )


def _name_default(field: dict[str, Any]) -> None:
    default = field.get("default")
    if isinstance(default, bool | int | float | str) and default != "" and "const" not in field:
        named = f"Default: {default if isinstance(default, str) else json.dumps(default)}."
        description = field.get("description", "")
        if not description.endswith(named):
            field["description"] = f"{description} {named}".strip()


def _flat(node: Any) -> Any:
    if isinstance(node, list):
        return [_flat(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _flat(value) if key not in ("default", "const", "enum") else value for key, value in node.items()}
    if "oneOf" in plain:
        plain.pop("discriminator", None)  # each choice says its own name, as a constant
        plain["anyOf"] = plain.pop("oneOf")
    if "anyOf" in plain:
        choices: list[Any] = []
        for one in plain["anyOf"]:
            choices += one["anyOf"] if set(one) == {"anyOf"} else [one]
        plain["anyOf"] = choices
    return plain
