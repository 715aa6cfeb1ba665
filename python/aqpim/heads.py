# SPDX-License-Identifier: Apache-2.0
"""Workloads and their heads, and the configurations of the hardware."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .arrays import array, floats
from .errors import InputError


class Head:
    """A KV head and the queries of the G query heads that share it.

    q [G, Tq, D] are the queries of the last Tq tokens, k and v [T, D] keys and values; queries and keys after RoPE, not
    scaled by 1/sqrt(D). Numbers are held in single precision. Raises InputError if shapes do not fit together or a
    number is not finite.
    """

    def __init__(self, q: ArrayLike, k: ArrayLike, v: ArrayLike, name: str = "l0.h0"):
        queries = floats(q, f"{name}.q", "[G, Tq, D]")
        keys, values = floats(k, f"{name}.k", "[T, D]"), floats(v, f"{name}.v", "[T, D]")
        if keys.shape != values.shape:
            raise InputError(f"{name}.k has shape {list(keys.shape)}, but .v has {list(values.shape)}")
        groups, query_tokens, head_dim = queries.shape
        if head_dim != keys.shape[1]:
            raise InputError(f"{name}.q has {head_dim} channels, but .k has {keys.shape[1]}")
        if query_tokens > len(keys):
            raise InputError(f"{name}.q has {query_tokens} tokens, more than the {len(keys)} of .k")
        self._core = _core.Head(name, groups, query_tokens, len(keys), head_dim, queries, keys, values)

    @classmethod
    def _of(cls, core: _core.Head) -> Head:
        head = cls.__new__(cls)
        head._core = core
        return head

    @property
    def name(self) -> str:
        return self._core.facts[0]

    @property
    def groups(self) -> int:
        """G: query heads."""
        return self._core.facts[1]

    @property
    def query_tokens(self) -> int:
        """Tq: the queries are those of tokens T - Tq ... T - 1."""
        return self._core.facts[2]

    @property
    def tokens(self) -> int:
        """T."""
        return self._core.facts[3]

    @property
    def head_dim(self) -> int:
        """D."""
        return self._core.facts[4]

    @property
    def q(self) -> NDArray[np.float32]:
        """[G, Tq, D], a copy that cannot be written, as the others."""
        return array(self._core.q)

    @property
    def k(self) -> NDArray[np.float32]:
        """[T, D]."""
        return array(self._core.k)

    @property
    def v(self) -> NDArray[np.float32]:
        """[T, D]."""
        return array(self._core.v)

    def __repr__(self) -> str:
        return f"<Head {self.name}: {self.tokens} tokens of {self.head_dim} channels, {self.groups} query heads>"


class Workload(Mapping[str, Head]):
    """A workload: a safetensors file, an index or a folder of shards. Heads are read when they are asked for.

    `heads` chooses some ("l2.h0"), `queries_first` takes .q as [Tq, G, D], `allow_nonfinite` takes NaN as 0 and
    infinite keys and values as FP16's largest number. Raises InputError for files that cannot be used, as the command
    line does.
    """

    def __init__(self, path: str | os.PathLike[str], *, heads: Sequence[str] = (), queries_first: bool = False,
                 allow_nonfinite: bool = False):
        self._core = _core.Workload(os.fspath(path), list(heads), queries_first, allow_nonfinite)

    @property
    def path(self) -> str:
        return self._core.path

    @property
    def metadata(self) -> dict[str, str]:
        """model, source, license, rope_theta, and whatever else the file says."""
        return self._core.metadata

    def sha256(self) -> str:
        """Of the file; of shards as docs of the command line say. Reads all of it."""
        return self._core.sha256()

    def __getitem__(self, name: str) -> Head:
        return Head._of(self._core.read(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.names)

    def __len__(self) -> int:
        return len(self._core.names)


@dataclass(frozen=True)
class Configuration:
    """A design point, configs/NAME.json."""

    name: str
    description: str
    window: int  # tokens that share a codebook; 0: all do
    append_block: int  # tokens that enter the cache together
    subspaces: int  # M
    centroids: int  # K
    engine: dict[str, Any] = field(hash=False)  # the RTL's parameters

    @property
    def head_dim(self) -> int:
        """D: what heads must have."""
        return int(self.engine["HeadDim"])


def configuration(name: str) -> Configuration:
    """The design point of this name; raises InputError with the names that exist."""
    return Configuration(**_core.configuration(name))


def configurations() -> list[str]:
    """The names of the design points that were there when the package was built."""
    return _core.configuration_names()
