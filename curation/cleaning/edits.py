"""What an edit did to a batch: how many documents it changed and how many places in them (manifest: ``edits``)."""

from typing import NamedTuple


class Edit(NamedTuple):
    """One rule's edits: documents changed, places changed."""

    documents: int
    count: int
