"""What a rule in plain Python says."""

Failure = tuple[str, float, float]
"""The first rule that drops a document: reason, value, threshold."""
