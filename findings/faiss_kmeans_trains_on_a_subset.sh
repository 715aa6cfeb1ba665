#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    faiss.Kmeans(d, 16).train(x) clusters all rows of x, and its `obj` is the sum of squared distances of x.
# Reality  It draws 256 rows per centroid at random (ClusteringParameters.max_points_per_centroid) and forgets the rest, without
#          a word unless verbose=True. `obj` is the sum over that draw. ProductQuantizer.train does the same.
# Matters  16 centroids see at most 4,096 tokens of a 32K-token context. A codebook compared with faiss is compared with one of an eighth
#          of the tokens, and an error computed from `obj` looks eight times as small. min/max_points_per_centroid must be set.
# Seen     faiss-cpu 1.15.1 (PyPI); faiss/Clustering.h, "max_points_per_centroid"
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install faiss-cpu==1.15.1 numpy
"$work/venv/bin/python" - <<'PYTHON'
import faiss
import numpy as np

print('faiss', faiss.__version__)
points = np.random.default_rng(0).standard_normal((32768, 2)).astype('float32')


def train(**options):
    kmeans = faiss.Kmeans(2, 16, niter=10, seed=1, **options)
    kmeans.train(points)
    seen = kmeans.obj[-1]
    real = float(kmeans.index.search(points, 1)[0].sum())
    print(f'{options}: obj {seen:.0f}, squared distances of all rows {real:.0f}, ratio {real / seen:.2f}')
    return real / seen


assert train() > 7, 'all rows are used by default now'
assert train(max_points_per_centroid=2048) < 1.05, 'a larger limit no longer takes all rows'
PYTHON
