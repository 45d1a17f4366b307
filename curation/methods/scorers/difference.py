"""The difference of two scores.

Source: competitive distillation (CoMD): a teacher's score less the student's says how hard a record is for the student.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.named import named_numbers
from schemas.scorers import Difference


def difference(documents: pa.Table, params: Difference) -> npt.NDArray[np.float64]:
    """float64[n]; NaN for a document that lacks one of the two."""
    return named_numbers(documents, params.of) - named_numbers(documents, params.less)
