"""The base of every part of a recipe: immutable, and closed to unknown keys.

A field's docstring is its description: in the JSON Schema, in the error text and as help in the Prefect form.
"""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)
