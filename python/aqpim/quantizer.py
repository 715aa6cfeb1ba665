# SPDX-License-Identifier: Apache-2.0
"""Quantizing heads: a whole one, or step by step as tokens come."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .arrays import array, floats
from .cache import Cache
from .errors import InputError
from .heads import Head, Workload, configuration

if TYPE_CHECKING:
    from .attention import EngineAttention, FloatAttention


@dataclass(frozen=True)
class Options:
    """The options of `aqpim quantize`, under the same names; None is the configuration's, or the command line's
    default."""

    weights: bool = True  # importance weights in the clustering
    centring: bool = True  # keys relative to the mean of their append block
    transform: str = "auto"  # none, greedy, determinant, whitening, auto
    clustering: str = "fixed"  # fixed: in integers, as the hardware; float: in double precision
    window: int | None = None  # tokens per codebook, a multiple of 16; 0: one for all
    sinks: int | None = None  # exact tokens at the start
    append_block: int | None = None  # tokens that are encoded together, a multiple of 16
    prefill: int | None = None  # P: tokens that codebooks are made from
    calibration: Workload | None = field(default=None, compare=False)  # that transforms are made from
    calibration_tokens: int | None = None

    def _core(self) -> _core.Choices:
        for name in ("window", "sinks", "append_block", "prefill", "calibration_tokens"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InputError(f"{name} is a number of tokens, not {value}")
        return _core.Choices(self.weights, self.centring, self.transform, self.clustering, self.window, self.sinks,
                             self.append_block, self.prefill,
                             None if self.calibration is None else self.calibration._core, self.calibration_tokens)


@dataclass(frozen=True)
class Timeline:
    """How the tokens of a head are divided."""

    tokens: int  # T
    prefill: int  # P: codebooks, transforms and scales use tokens < P only
    sinks: int  # exact at the start
    append_block: int
    encoded: int  # N of the whole head


class Quantizer:
    """The cache of one head as it grows, as `aqpim sim` and `aqpim quantize` let it grow.

    Takes the codebooks from tokens < P and encodes what the query of token P finds encoded; then append() or
    append_until(), and extend() for tokens that come later. Codes, once written, are final. Options are those of Options,
    by keyword; `progress` is told how much of the clustering is done, 0 ... 1.

    Raises InputError if the head does not fit the configuration or leaves nothing to cluster, to encode or to evaluate,
    for options that cannot be, and for keys or values beyond FP16's ±65504.
    """

    def __init__(self, head: Head, config: str, *, progress: Callable[[float], object] | None = None, **options: Any):
        self.configuration = configuration(config)
        self.options = Options(**options)
        self._name, self._groups, self._dim = head.name, head.groups, head.head_dim
        self._core = _core.Quantizer(head._core, config, self.options._core())
        self._core.prefill(progress)

    @property
    def timeline(self) -> Timeline:
        return Timeline(*self._core.timeline)

    @property
    def outliers(self) -> str:
        """A sentence about tokens that stay exact since they lie far beyond all others; empty if there are none."""
        return self._core.outliers

    def append(self) -> bool:
        """Encodes the next append block with the newest codebooks. False if the head has no more."""
        return self._core.append()

    def append_until(self, t: int) -> None:
        """append() until the cache is what the query of token t finds."""
        self._core.append_until(t)

    def extend(self, q: ArrayLike, k: ArrayLike, v: ArrayLike) -> None:
        """The next n tokens of the sequence: queries [G, n, D], keys and values [n, D]. Encodes nothing yet.

        The cache becomes what it would have been with all tokens from the start, but for the number of codebooks if
        there is one per window: that is as many as the first tokens reached.
        """
        more = Head(q, k, v, self._name)
        if (more.groups, more.head_dim) != (self._groups, self._dim) or more.query_tokens != more.tokens:
            raise InputError(f"{self._name}: tokens to add have {self._groups} queries, a key and a value of {self._dim} "
                             f"channels each; there are queries {list(more.q.shape)} and keys {list(more.k.shape)}")
        self._core.extend(more._core)

    @property
    def cache(self) -> Cache:
        """The cache as it is now."""
        return Cache(self._core.cache())

    def queries(self, count: int | None = None) -> NDArray[np.int64]:
        """Tokens >= P whose queries a run evaluates: `count` of them, evenly spaced, min(16, T - P) by default."""
        return array(self._core.queries(count))

    def attend(self, g: int, t: int) -> EngineAttention:
        """Attention of query head g of token t by the golden engine, bit for bit as the RTL computes it, merged with the
        exact tokens as the host merges it. Appends what that query finds encoded.

        Raises InputError if the head has no such query.
        """
        from .attention import engine_attention

        self._check_query(g, t)
        self.append_until(t)
        return engine_attention(self._core, g, t)

    def reference(self, g: int, t: int) -> FloatAttention:
        """The same from the same codes and codebooks in double precision, which tells what fixed point adds."""
        from .attention import pq_attention

        self._check_query(g, t)
        self.append_until(t)
        return pq_attention(self._core, g, t)

    def _check_query(self, g: int, t: int) -> None:
        timeline = self.timeline
        if not (0 <= g < self._groups and timeline.prefill <= t < timeline.tokens):
            raise InputError(f"{self._name}: there is no query head {g} at token {t}: it has {self._groups} query heads, "
                             f"and what was appended serves tokens {timeline.prefill} ... {timeline.tokens - 1}")


def quantize(head: Head, config: str, *, progress: Callable[[float], object] | None = None, **options: Any) -> Cache:
    """The cache of a whole head, as `aqpim quantize` writes it. Arguments and errors as of Quantizer."""
    quantizer = Quantizer(head, config, progress=progress, **options)
    while quantizer.append():
        pass
    return quantizer.cache


def _raw(tokens: ArrayLike, config: str) -> NDArray[np.uint16]:
    dim = configuration(config).head_dim
    values = floats(tokens, "tokens", "[n, D]")
    if values.shape[1] != dim:
        raise InputError(f"{config} takes tokens of {dim} channels, not {values.shape[1]}")
    if np.abs(values).max() > 2047 / 256:
        raise InputError(f"raw tokens are at most 2047/256 in magnitude, one is {np.abs(values).max():g}")
    return np.ascontiguousarray(values.astype("<f2")).view("<u2")


def cluster_window(tokens: ArrayLike, weights: ArrayLike, config: str, *, values: bool = False,
                   clustering: str = "fixed") -> NDArray[np.uint8]:
    """The stored codebook [K, D] of raw tokens [n, D] (x'/scale/16 of keys, x'/scale/256 of `values`, at most 2047/256,
    taken in FP16) with weights [n] from 1 to 255: weighted k-means per sub-space, as engine and reducer compute it.
    Bytes: int8 of keys, E3M4 of values."""
    raw = _raw(tokens, config)
    weighted = np.asarray(weights)
    if weighted.shape != (len(raw),) or weighted.min() < 1 or weighted.max() > 255:
        raise InputError(f"weights are whole numbers from 1 to 255, one for each of the {len(raw)} tokens")
    return array(_core.cluster(raw, np.ascontiguousarray(weighted, np.uint8), values, config, clustering))


def encode(tokens: ArrayLike, codebook: ArrayLike, config: str, *, values: bool = False) -> NDArray[np.uint8]:
    """Codes [n, M] of raw tokens [n, D], as cluster_window() takes them: the nearest centroid of a stored codebook
    [K, D], the lowest index wins a tie."""
    raw = _raw(tokens, config)
    wanted = configuration(config)
    stored = np.ascontiguousarray(codebook)
    if stored.shape != (wanted.centroids, wanted.head_dim) or stored.dtype.itemsize != 1:
        raise InputError(f"a stored codebook of {config} has {wanted.centroids} x {wanted.head_dim} bytes, not shape "
                         f"{list(stored.shape)} of {stored.dtype}")
    return array(_core.encode(raw, stored.view(np.uint8), values, config))
