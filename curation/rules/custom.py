"""Any scorer with a lower and an upper bound, as a rule. A document without a score is kept."""

from __future__ import annotations

from curation.methods.scorers import score
from curation.rules.measured import Block, Measured, Rule
from schemas.rules import Custom


def custom(block: Block, params: Custom) -> Measured:
    """The score of each document, held against both bounds."""
    asked = [Rule(f"{params.rule}_under", "<", params.min), Rule(f"{params.rule}_over", ">", params.max)]
    values = block.nothing(asked)
    values[:, 0] = values[:, 1] = score(block.as_documents(), params.scorer, place="clean.rules.custom.scorer")
    return Measured(asked, values)
