import random
import zlib

import numpy as np
import pyarrow as pa

from curation.methods.scorers import score
from schemas.scorers import Compression

REPETITIVE = "all work and no play " * 200
NOISE = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=4000))


def test_repetition_is_high_noise_is_low() -> None:
    documents = pa.table({"text": [REPETITIVE, NOISE, ""]})
    ratios = score(documents, Compression.model_validate({"from": "compression"}))
    assert ratios[0] == len(REPETITIVE) / len(zlib.compress(REPETITIVE.encode(), 6))
    assert ratios[0] > 20 > 2 > ratios[1] > 1
    assert np.isnan(ratios[2])


def test_only_the_beginning_is_packed() -> None:
    documents = pa.table({"text": [NOISE + REPETITIVE]})
    params = Compression.model_validate({"from": "compression", "max_bytes": len(NOISE)})
    assert score(documents, params)[0] == len(NOISE) / len(zlib.compress(NOISE.encode(), 6))


def test_a_sliced_table() -> None:
    documents = pa.table({"text": [NOISE, REPETITIVE]}).slice(1)
    assert score(documents, Compression.model_validate({"from": "compression"}))[0] > 20
