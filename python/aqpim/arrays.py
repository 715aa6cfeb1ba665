# SPDX-License-Identifier: Apache-2.0
"""Arrays to and from the compiled module."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError


def array(parts: tuple[str, tuple[int, ...], bytes]) -> NDArray[Any]:
    """A read-only array of what the compiled module gives out."""
    dtype, shape, content = parts
    return np.frombuffer(content, dtype).reshape(shape)


def floats(values: ArrayLike, name: str, dimensions: str) -> NDArray[np.float32]:
    """Contiguous single precision, of as many dimensions as `dimensions`, e.g. "[T, D]", has. Refuses anything else, and
    what is not finite."""
    try:
        result = np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of real numbers") from error
    if result.ndim != dimensions.count(",") + 1 or result.size == 0:
        raise InputError(f"{name} has shape {list(result.shape)}, it must be {dimensions} with nothing empty")
    if not np.isfinite(result).all():
        raise InputError(f"{name} is not finite at {[int(i) for i in np.argwhere(~np.isfinite(result))[0]]}")
    return result
