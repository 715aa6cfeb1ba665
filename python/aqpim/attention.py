# SPDX-License-Identifier: Apache-2.0
"""Attention of one query: as the hardware computes it, and in double precision."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arrays import array
from .errors import InputError
from .heads import Head


@dataclass(frozen=True)
class Tile:
    """What the engine gives out for one tile: integers, bit for bit those of the RTL (docs/architecture.md)."""

    first: int  # token of the sequence
    tokens: int
    outputs: NDArray[np.int64]  # o [D], transformed, fraction WeightWidth, not divided by the weight sum
    maximum: int  # log2 domain; the true one is maximum + common
    weight_sum: int  # fraction WeightWidth
    flags: int
    common: float  # what the biases of all tokens left out
    scores: NDArray[np.int32]  # [tokens], fraction ScoreFraction
    weights: NDArray[np.uint32]  # [tokens], fraction WeightWidth


@dataclass(frozen=True)
class EngineAttention:
    """The tiles of a query, and what the host makes of them and of the exact tokens."""

    tiles: list[Tile]
    output: NDArray[np.float64]  # [D], channels as in the head


@dataclass(frozen=True)
class FloatAttention:
    """Attention in double precision."""

    probabilities: NDArray[np.float64]  # of tokens 0 ... t
    output: NDArray[np.float64]  # [D]


def engine_attention(quantizer: _core.Quantizer, g: int, t: int) -> EngineAttention:
    tiles, output = _core.attend(quantizer, g, t)
    for tile in tiles:
        tile |= {name: array(tile[name]) for name in ("outputs", "scores", "weights")}
    return EngineAttention([Tile(**tile) for tile in tiles], array(output))


def pq_attention(quantizer: _core.Quantizer, g: int, t: int) -> FloatAttention:
    probabilities, output = _core.PqReference(quantizer).attend(g, t)
    return FloatAttention(array(probabilities), array(output))


def exact_attention(head: Head, g: int, t: int) -> FloatAttention:
    """softmax(q·k/sqrt(D)) over tokens 0 ... t of query head g, and the sum of values with it, from the head's own keys
    and values. Raises InputError if the head has no such query."""
    if not (0 <= g < head.groups and head.tokens - head.query_tokens <= t < head.tokens):
        raise InputError(f"{head.name} has no query of query head {g} and token {t}: it has {head.groups} query heads, "
                         f"and queries of tokens {head.tokens - head.query_tokens} ... {head.tokens - 1}")
    probabilities, output = _core.exact_attention(head._core, g, t)
    return FloatAttention(array(probabilities), array(output))
