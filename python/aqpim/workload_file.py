# SPDX-License-Identifier: Apache-2.0
"""Writes workloads: safetensors files of captured attention heads (workloads/README.md of the repository).

    l{layer}.h{kvhead}.q  [G, Tq, D]  queries of the last Tq tokens, of the G query heads that share the KV head
    l{layer}.h{kvhead}.k  [T, D]      keys, and .v [T, D] values; queries and keys after RoPE, not scaled by 1/sqrt(D)
    l{layer}.h{kvhead}.sink_logits    F32 [G], if the softmax has a learned sink per query head

What the attention of a head has beyond that is metadata, `l{layer}.h{kvhead}.KEY`: `sliding_window` (the query of token
t sees tokens t - W + 1 ... t), `softcap` (scores s become softcap * tanh(s / softcap)) and `cache_of` (the head whose
keys and values these are, where layers share them).
"""
from __future__ import annotations

import json
import os
import re
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

HEAD_NAME = re.compile(r"l(0|[1-9]\d*)\.h(0|[1-9]\d*)")
DTYPES = ("F16", "BF16", "F32")
LARGEST_HALF = 65504.0


def stored_bytes(values: NDArray[np.float32], dtype: str, name: str) -> bytes:
    """`values`, row by row, in `dtype`, each rounded to the nearest. Refuses what is not finite, or not in `dtype`."""
    values = np.ascontiguousarray(values, "<f4")
    if not np.isfinite(values).all():
        place = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise InputError(f"{name} is not finite at {place}")
    if dtype == "F16":
        largest = float(np.abs(values).max(initial=0.0))
        if largest > LARGEST_HALF:
            raise InputError(f"{name} has the value {largest:g}, beyond F16's {LARGEST_HALF:.0f}; BF16 and F32 hold it")
        return values.astype("<f2").tobytes()
    if dtype == "BF16":
        bits = values.view("<u4")
        rounded = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16
        if (rounded & 0x7FFF == 0x7F80).any():
            raise InputError(f"{name} has a value beyond BF16's 3.39e38; F32 holds it")
        return rounded.astype("<u2").tobytes()
    return values.tobytes()


@dataclass(frozen=True)
class _Tensor:
    """What was written; bytes begin ... end - 1 of what was."""

    dtype: str
    shape: list[int]
    begin: int
    end: int


class WorkloadWriter:
    """Writes a workload head by head, in memory for one tensor. The file appears, complete, when the block ends without
    an exception; otherwise nothing is left.

        with WorkloadWriter("heads.safetensors", metadata={"model": "..."}) as writer:
            writer.add_head("l0.h0", q, k, v)

    `dtype` is the format of queries, keys and values: F16, BF16 or F32. `metadata` holds strings, such as model, source,
    license and rope_theta. Raises InputError for a place that cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, dtype: str = "F16", metadata: dict[str, str] | None = None):
        if dtype not in DTYPES:
            raise InputError(f"a workload's dtype is one of {', '.join(DTYPES)}, not {dtype!r}")
        self.path = Path(path)
        self.dtype = dtype
        self.metadata: dict[str, str] = dict(metadata or {})
        self._tensors: dict[str, _Tensor] = {}
        self._small: dict[str, bytes] = {}
        self._size = 0
        if self.path.is_dir():
            raise InputError(f"{self.path} is a folder, it cannot be written as a workload")
        try:
            self._data = tempfile.TemporaryFile(dir=self.path.parent)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}") from error

    def add_head(self, name: str, q: ArrayLike, k: ArrayLike, v: ArrayLike, *, sliding_window: int | None = None,
                 softcap: float | None = None, sink_logits: ArrayLike | None = None, cache_of: str | None = None) -> None:
        """Adds a head: q [G, Tq, D], k and v [T, D], numbers of any real format; sink_logits [G].

        Raises InputError for a name that is not l{layer}.h{kvhead} or is there already, for shapes that do not fit
        together, and for values that are not finite or that `dtype` does not hold.
        """
        if not HEAD_NAME.fullmatch(name):
            raise InputError(f"a head is called l{{layer}}.h{{kvhead}}, not {name!r}")
        if f"{name}.q" in self._tensors:
            raise InputError(f"head {name} is in the workload already")
        arrays = {letter: np.asarray(array, np.float32) for letter, array in (("q", q), ("k", k), ("v", v))}
        self._check_shapes(name, arrays)
        sinks = None if sink_logits is None else np.asarray(sink_logits, np.float32)
        if sinks is not None and sinks.shape != arrays["q"].shape[:1]:
            raise InputError(f"{name}.sink_logits has shape {list(sinks.shape)}, it must be [G], here "
                             f"[{arrays['q'].shape[0]}]")
        if sliding_window is not None and sliding_window < 1:
            raise InputError(f"{name}: a sliding window has 1 token at least, not {sliding_window}")
        if softcap is not None and not 0 < softcap < float("inf"):
            raise InputError(f"{name}: a soft-cap is a positive number, not {softcap}")
        contents = {letter: stored_bytes(array, self.dtype, f"{name}.{letter}") for letter, array in arrays.items()}
        for letter, content in contents.items():
            self._data.write(content)
            self._tensors[f"{name}.{letter}"] = _Tensor(self.dtype, list(arrays[letter].shape), self._size,
                                                        self._size + len(content))
            self._size += len(content)
        if sinks is not None:
            self._small[f"{name}.sink_logits"] = stored_bytes(sinks, "F32", f"{name}.sink_logits")
        for key, value in (("sliding_window", sliding_window), ("softcap", softcap), ("cache_of", cache_of)):
            if value is not None:
                self.metadata[f"{name}.{key}"] = str(value)

    def names(self) -> list[str]:
        """The heads so far."""
        return [name.removesuffix(".q") for name in self._tensors if name.endswith(".q")]

    @staticmethod
    def _check_shapes(name: str, arrays: dict[str, NDArray[np.float32]]) -> None:
        q, k, v = (arrays[letter] for letter in "qkv")
        for letter, array, shape in (("q", q, "[G, Tq, D]"), ("k", k, "[T, D]"), ("v", v, "[T, D]")):
            if array.ndim != shape.count(",") + 1 or array.size == 0:
                raise InputError(f"{name}.{letter} has shape {list(array.shape)}, it must be {shape} with nothing empty")
        if k.shape != v.shape:
            raise InputError(f"{name}.k has shape {list(k.shape)}, but .v has {list(v.shape)}")
        if q.shape[2] != k.shape[1]:
            raise InputError(f"{name}.q has {q.shape[2]} channels, but .k has {k.shape[1]}")
        if q.shape[1] > k.shape[0]:
            raise InputError(f"{name}.q has {q.shape[1]} tokens, more than the {k.shape[0]} of .k")

    def _header(self) -> bytes:
        # Small tensors of 4-byte numbers come first, so that each tensor is aligned.
        header: dict[str, object] = {"__metadata__": self.metadata} if self.metadata else {}
        position = 0
        for name, content in self._small.items():
            header[name] = {"dtype": "F32", "shape": [len(content) // 4],
                            "data_offsets": [position, position + len(content)]}
            position += len(content)
        for name, tensor in self._tensors.items():
            header[name] = {"dtype": tensor.dtype, "shape": tensor.shape,
                            "data_offsets": [position + tensor.begin, position + tensor.end]}
        text = json.dumps(header, ensure_ascii=False).encode()
        return text + b" " * (-len(text) % 8)

    def close(self) -> None:
        """Writes the file. Not needed at the end of a `with` block."""
        # Not by tempfile, which would make it readable for its owner alone.
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            if not self._tensors:
                raise InputError(f"{self.path} would hold no head, so it is not written")
            with part.open("xb") as file:
                header = self._header()
                file.write(struct.pack("<Q", len(header)) + header)
                file.write(b"".join(self._small.values()))
                self._data.seek(0)
                shutil.copyfileobj(self._data, file, 1 << 20)
            part.replace(self.path)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
            self._data.close()

    def __enter__(self) -> WorkloadWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._data.close()
