"""``python -m flows.server``: `prefect server start`, in which a schema that was found to be one is not looked at again.

Prefect holds the schema of a deployment's parameters against JSON Schema's own some four times as it is registered, and at each
change in the run form: half a second each for a recipe's, during which the server answers nobody.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]


def check_schemas_once() -> None:
    """From now on, in this process, a schema is checked the first time that it is met; a wrong one each time."""
    from prefect.utilities.schema_tools import validation

    for validator in (jsonschema.Draft202012Validator, validation._VALIDATOR):
        _remember(validator)


def _remember(validator: Any) -> None:
    check, sound = validator.check_schema, set[bytes]()

    def once(schema: Any, *arguments: Any, **named: Any) -> None:
        key = hashlib.sha256(json.dumps(schema, sort_keys=True, default=repr).encode()).digest()
        if key not in sound:
            check(schema, *arguments, **named)
            sound.add(key)

    validator.check_schema = once


def main() -> None:
    """Prefect's command line, with what follows on ours."""
    check_schemas_once()
    from prefect.cli import app

    app()


if __name__ == "__main__":
    main()
