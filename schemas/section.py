"""The base of every part of a recipe: immutable, and closed to unknown keys.

A field's docstring is its description: in the JSON Schema, in the error text and as help in the Prefect form.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
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

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema as Prefect's form needs it (tried with 3.8.8).

        Unions flat and as ``anyOf``: of any other it makes a field of raw JSON instead of a selector. A constant, which
        tells the choices apart, as its own default: without one the form leaves it out. A title where pydantic gives none.
        """
        made = handler(core)
        inside = handler.resolve_ref_schema(made)
        inside["properties"] = {name: _flat(field) for name, field in inside.get("properties", {}).items()}
        for name, field in inside["properties"].items():
            field.setdefault("title", name.replace("_", " ").title())
            if "const" in field:
                field.setdefault("default", field["const"])
        return made


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
