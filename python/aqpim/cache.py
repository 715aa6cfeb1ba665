# SPDX-License-Identifier: Apache-2.0
"""Caches, and files of them (docs/quantization.md of the repository, section 4)."""
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .arrays import array, floats
from .errors import InputError

_DTYPES = {"U8": "u1", "I8": "i1", "F16": "<f2", "F32": "<f4", "I64": "<i8"}


class Cache:
    """What the cache of one head holds at some moment. Arrays are copies that cannot be written.

    With x' = transform · x, encoded token i stands for token t = sinks + i:

        k'_t ~ codebook_k[min(i / window, W - 1)][codes_k[i]] + centers_k[i / center_block]
        v'_t ~ codebook_v[min(i / window, W - 1)][codes_v[i]]
    """

    def __init__(self, core: _core.Cache):
        self._core = core
        self._parts = core.parts()

    def _array(self, name: str) -> NDArray[Any]:
        return array(self._parts[name])

    @property
    def name(self) -> str:
        return str(self._parts["name"])

    @property
    def tokens(self) -> int:
        """N."""
        return int(self._parts["tokens"])

    @property
    def sinks(self) -> int:
        return int(self._parts["sinks"])

    @property
    def append_block(self) -> int:
        return int(self._parts["append_block"])

    @property
    def window(self) -> int:
        """Tokens per codebook; all that will be encoded if they share one."""
        return int(self._parts["window"])

    @property
    def center_block(self) -> int:
        """Tokens per centre; 0: keys are not centred."""
        return int(self._parts["center_block"])

    @property
    def codes_k(self) -> NDArray[np.uint8]:
        """[N, M]."""
        return self._array("codes_k")

    @property
    def codes_v(self) -> NDArray[np.uint8]:
        """[N, M]."""
        return self._array("codes_v")

    @property
    def stored_codebook_k(self) -> NDArray[np.int8]:
        """[W, M, K, Dsub]: int8 as in the memory; scale_k makes them real."""
        return self._array("stored_codebook_k")

    @property
    def stored_codebook_v(self) -> NDArray[np.uint8]:
        """[W, M, K, Dsub]: E3M4 bytes as in the memory; scale_v makes their values real."""
        return self._array("stored_codebook_v")

    @property
    def scale_k(self) -> NDArray[np.float32]:
        """[M]."""
        return self._array("scale_k")

    @property
    def scale_v(self) -> NDArray[np.float32]:
        """[M]."""
        return self._array("scale_v")

    @property
    def codebook_k(self) -> NDArray[np.float32]:
        """[W, M, K, Dsub]: what is stored, as real numbers."""
        return self._array("codebook_k")

    @property
    def codebook_v(self) -> NDArray[np.float32]:
        """[W, M, K, Dsub]: what is stored, as real numbers."""
        return self._array("codebook_v")

    @property
    def centers_k(self) -> NDArray[np.float32]:
        """[B, D]: FP16 values, transformed."""
        return self._array("centers_k")

    @property
    def transform_k(self) -> NDArray[np.float32]:
        """[D, D]: k' = transform_k @ k."""
        return self._array("transform_k")

    @property
    def transform_v(self) -> NDArray[np.float32]:
        """[D, D]: v' = transform_v @ v."""
        return self._array("transform_v")

    @property
    def kinds(self) -> tuple[str, str]:
        """How the transforms of keys and of values were made."""
        return str(self._parts["kind_k"]), str(self._parts["kind_v"])

    @property
    def exact(self) -> NDArray[np.int64]:
        """Tokens from `sinks` on that stay exact: outliers. Their codes are those of stand-ins."""
        return self._array("exact")

    @property
    def bytes(self) -> int:
        """Codes, codebooks, centres, scales and outliers, keys and values together."""
        return int(self._parts["bytes"])

    @property
    def bits_per_element(self) -> float:
        """Codes, codebooks, centres and outliers over the N tokens, keys and values averaged; 0 if N is 0."""
        return float(self._parts["bits_per_element"])

    def first_recent(self, t: int) -> int:
        """The first token that is exact when token t attends."""
        return self._core.first_recent(t)

    def decode(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Keys and values [N, D] of tokens sinks ... sinks + N - 1 as the codes have them, channels as in the head; those
        of `exact` are their stand-ins'."""
        keys, values = self._core.decoded()
        return array(keys), array(values)

    def __repr__(self) -> str:
        return f"<Cache {self.name}: {self.tokens} tokens, {self.bits_per_element:.2f} bits per element>"


@dataclass(frozen=True)
class CacheTensors:
    """A head's cache as it stands in a file: the tensors, with names and shapes as in docs/quantization.md section 4,
    e.g. tensors["codes_k"]."""

    name: str
    tensors: dict[str, NDArray[Any]]

    def decode(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As Cache.decode()."""
        count = len(self.tensors["codes_k"])
        i = np.arange(count)
        decoded = []
        for side in "kv":
            codebook, codes = self.tensors[f"codebook_{side}"], self.tensors[f"codes_{side}"]
            windows = np.minimum(i // int(self.tensors["window"][0]), len(codebook) - 1)
            vectors = codebook[windows[:, None], np.arange(codes.shape[1]), codes].reshape(count, -1).astype(float)
            block = int(self.tensors["center_block"][0])
            if side == "k" and block:
                vectors += self.tensors["centers_k"][i // block]
            decoded.append(np.linalg.solve(self.tensors[f"transform_{side}"].astype(float), vectors.T).T)
        return decoded[0], decoded[1]


def write_caches(path: str | os.PathLike[str], caches: Sequence[Cache], *, metadata: dict[str, str] | None = None,
                 queries: Sequence[Sequence[int]] | None = None, outputs: Sequence[ArrayLike] | None = None) -> None:
    """Writes caches as `aqpim quantize` does, complete or not at all.

    `queries` are the evaluated tokens of each cache, `outputs` the attention outputs [G, Q, D] at them, as a run has
    them. Raises InputError for a place that cannot be written and for numbers that are not finite.
    """
    if queries is None and outputs is not None:
        raise InputError("outputs need the queries that they belong to")
    parts = []
    for i, cache in enumerate(caches):
        of_cache = [] if queries is None else [int(t) for t in queries[i]]
        result = np.zeros((0, 0, 0), np.float32) if outputs is None else floats(outputs[i], "outputs", "[G, Q, D]")
        dim = cache.transform_k.shape[0]
        if outputs is not None and result.shape[1:] != (len(of_cache), dim):
            raise InputError(f"outputs have shape {list(result.shape)}, they must be [G, {len(of_cache)}, {dim}]")
        parts.append(_core.CacheOutputs(cache._core, of_cache, result.shape[0], result))
    _core.write_caches(os.fspath(path), parts, dict(metadata or {}))


def read_caches(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, CacheTensors]]:
    """The metadata of a file of caches, such as one of `aqpim quantize` or a run's outputs.safetensors, and its heads by
    name. Raises InputError if it is none."""
    metadata, parts = _core.read_file(os.fspath(path))
    heads: dict[str, dict[str, NDArray[Any]]] = {}
    for name, (dtype, shape, content) in parts.items():
        head, _, tensor = name.rpartition(".")
        if dtype in _DTYPES:
            heads.setdefault(head, {})[tensor] = array((_DTYPES[dtype], shape, content))
    caches = {name: CacheTensors(name, tensors) for name, tensors in heads.items() if "codes_k" in tensors}
    if not caches:
        raise InputError(f"{os.fspath(path)} holds no cache: it has no tensors l{{layer}}.h{{kvhead}}.codes_k")
    return metadata, caches
