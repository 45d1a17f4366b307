"""A schema is held against JSON Schema's own once; what is wrong is refused, each time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

ASKED = """
from collections import Counter
import jsonschema
from prefect.utilities.schema_tools import validation
from flows.server import check_schemas_once

calls = Counter()
for one in (jsonschema.Draft202012Validator, validation._VALIDATOR):
    real = one.check_schema
    one.check_schema = lambda schema, *a, real=real, **k: (calls.update(["checked"]), real(schema, *a, **k))[1]
check_schemas_once()
sound = {"type": "object", "properties": {"n": {"type": "integer"}}}
for _ in range(3):
    jsonschema.validate({"n": 1}, dict(sound))
    validation.is_valid_schema(dict(sound))
    for wrong in ({"n": "x"},):
        try:
            jsonschema.validate(wrong, sound)
        except jsonschema.ValidationError:
            calls.update(["refused"])
    try:
        jsonschema.validate({}, {"type": "nonsense"})
    except jsonschema.SchemaError:
        calls.update(["no schema"])
print(dict(calls))
"""


@pytest.mark.server
def test_schemas_are_checked_once() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "{'checked': 5, 'refused': 3, 'no schema': 3}", done.stderr
