#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    k-means of points with fewer distinct values than centroids ends with centroids on those values (others stay empty or are copies):
#          the mean of equal points is the point, so the error is exactly 0.
# Reality  faiss fills an empty cluster by splitting a full one, and moves the two halves 1/1024 apart, up and down in turn. This goes on until the
#          last iteration: of 8 centroids of two distinct integer points none is on a point, six are off by 1e-3 and more.
# Matters  Tokens repeat (padding, sinks, caches that were quantized before). A bit-exact comparison of codebooks with faiss, or a check that few
#          distinct keys cost nothing, fails there; compare attention outputs, or clusters without copies.
# Seen     faiss-cpu 1.15.1 (PyPI); faiss/Clustering.cpp, split_clusters, EPS = 1/1024
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install faiss-cpu==1.15.1 numpy
"$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import faiss
import numpy as np

print('faiss', faiss.__version__)
points = np.repeat(np.array([[1, 1], [2, 2]], 'float32'), 2048, axis=0)
kmeans = faiss.Kmeans(2, 8, niter=20, seed=1)
kmeans.train(points)
print('two distinct points (1, 1) and (2, 2), 8 centroids:')
print(kmeans.centroids)
distances = np.abs(kmeans.centroids - np.round(kmeans.centroids)).max(1)
print('distance from the nearest point, sorted:', np.sort(distances))
assert distances.min() > 0, 'a centroid is on a point now'
assert (distances > 9e-4).sum() == 6
PYTHON
