"""Dates as ISO 8601 strings by one rule: a full date beyond doubt, or none.

Taken: ``2019-05-03``, and a date with a time (``T`` or a space, seconds optional, fractions cut off); a time with an
offset is given in UTC with ``Z``, one without stays without. Everything else is null: numbers (seconds or
milliseconds?), month names, day-first or month-first dates, years alone, dates that the calendar does not have.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d)?(?:[.,]\d+)?(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_FRACTION = re.compile(r"[.,]\d+", re.ASCII)


def iso_date(value: object) -> str | None:
    """A JSON value, ``date`` or ``datetime`` as an ISO 8601 string, or None.

    >>> iso_date("2019-05-03 12:00:00+02:00"), iso_date("3. Mai 2019"), iso_date(1767225600)
    ('2019-05-03T10:00:00Z', None, None)
    """
    if isinstance(value, datetime):
        return _of(value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        return None
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    try:
        if match["time"] is None:
            return date.fromisoformat(value).isoformat()
        return _of(datetime.fromisoformat(_FRACTION.sub("", value)))
    except (ValueError, OverflowError):
        return None


def _of(moment: datetime) -> str | None:
    moment = moment.replace(microsecond=0)
    if moment.tzinfo is None:
        return moment.isoformat()
    try:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:
        return None
