import numpy as np
import pyarrow as pa

from curation.methods.scorers import POOL_WIDE, score
from schemas.scorers import ClusterDistance


def test_distance_to_the_nearest_centre() -> None:
    vectors = [[0.0, 0.0], [2.0, 0.0], [10.0, 0.0], [10.0, 2.0], None]
    documents = pa.table({"id": [f"{i:032x}" for i in range(5)], "column:e": pa.array(vectors, pa.list_(pa.float32()))})
    params = ClusterDistance.model_validate({"from": "cluster_distance", "embedding": "e", "clusters": 2})
    steps = POOL_WIDE[ClusterDistance]
    state = steps.fit(steps.merge([steps.partial(documents, params, seed=0)], params), params, seed=0, place="t")
    np.testing.assert_allclose(score(documents, params, state=state), [1, 1, 1, 1, np.nan])
