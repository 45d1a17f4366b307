"""What an edit did to a batch: how many documents it changed and how many places in them (manifest: ``edits``)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One rule's edits: documents changed, places changed."""

    documents: int
    count: int
