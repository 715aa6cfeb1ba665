# SPDX-License-Identifier: Apache-2.0
"""Product-quantized KV caches as the aqpim hardware makes and reads them, bit for bit, with numpy arrays in and out.

    workload = aqpim.Workload("heads.safetensors")
    quantizer = aqpim.Quantizer(workload["l2.h0"], "pq8")
    quantizer.append_until(2047)
    keys, values = quantizer.cache.decode()
    output = quantizer.attend(0, 2047).output

T tokens of D channels; G query heads share a KV head; queries of the last Tq tokens. M sub-spaces of Dsub = D/M
channels, K centroids each, N encoded tokens, W codebooks. Tokens count from 0 at the start of the sequence. What cannot
be used is refused with InputError, one sentence. docs/quantization.md of the repository says what all of it means.

Writing workloads and aqpim.capture need numpy alone; everything else needs the compiled module aqpim._core, which pip
builds.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .attention import EngineAttention, FloatAttention, Tile, exact_attention
    from .cache import Cache, CacheTensors, read_caches, write_caches
    from .heads import Configuration, Head, Workload, configuration, configurations
    from .quantizer import Options, Quantizer, Timeline, cluster_window, encode, quantize
    from .workload_file import WorkloadWriter

# Loaded when first used: programs that write workloads need no compiled module.
_MODULES = {
    "attention": ("EngineAttention", "FloatAttention", "Tile", "exact_attention"),
    "cache": ("Cache", "CacheTensors", "read_caches", "write_caches"),
    "heads": ("Configuration", "Head", "Workload", "configuration", "configurations"),
    "quantizer": ("Options", "Quantizer", "Timeline", "cluster_window", "encode", "quantize"),
    "workload_file": ("WorkloadWriter",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["InputError", *sorted(_MODULE_OF)]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    except ImportError as error:
        raise ImportError(f"aqpim.{name} needs what is not there ({error}); `pip install CHECKOUT/python` builds the "
                          "compiled module") from error


def __dir__() -> list[str]:
    return __all__
