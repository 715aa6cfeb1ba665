# SPDX-License-Identifier: Apache-2.0
"""Captures the attention heads of a Hugging Face decoder while it reads a text.

    model --> attention layer --> [ this module's attention ] --> the model goes on
                                          |
                            q, k, v of one layer --> WorkloadWriter

Nothing of the model is patched: transformers calls what is registered in its AttentionInterface instead of its own
attention, and what is registered in its AttentionMaskInterface for the mask (without that, layers with a sliding window
would see all tokens before them). There is one forward pass without a cache; each layer's heads are written as it
computes, so that memory holds the heads of one layer. Shapes come from the tensors and windows from the mask, never from
the model's configuration. What a workload cannot say is refused: other masks, biases, keys and values of different
lengths. Needs torch and transformers 5.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .workload_file import WorkloadWriter

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NAME = "aqpim_capture"
# Queries whose scores are in memory at once.
ROWS = 256
# Tensors that models hand to their attention and that say nothing about its result, beside those that are captured.
HARMLESS = {"position_ids", "cache_position", "cu_seq_lens_q", "cu_seq_lens_k", "s_aux"}


@dataclass(frozen=True)
class Attention:
    """What a layer's attention is, from the call that transformers made."""

    layer: int
    kv_heads: int
    groups: int  # query heads per KV head
    head_dim: int
    scaling: float  # of q·k
    window: int | None = None  # the query of token t sees tokens t - window + 1 ... t; None: all up to t
    softcap: float | None = None
    sinks: torch.Tensor | None = None  # logits of the learned sinks, [query heads]
    cache_of: int | None = None  # the layer whose keys and values these are

    def heads(self) -> list[str]:
        return [f"l{self.layer}.h{head}" for head in range(self.kv_heads)]


class _Finished(Exception):
    """All wanted layers were seen."""


class _Masks:
    """The windows of masks; a model has few of them, and gives them to all of its layers."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[torch.Tensor, int | None]] = {}

    def window(self, mask: torch.Tensor | None, layer: int) -> int | None:
        if mask is None:
            return None
        key = (mask.data_ptr(), mask.shape, mask.stride())
        if key not in self._known:
            # The mask is kept, so that its address stays its own.
            self._known[key] = mask, _window_of(mask, layer)
        return self._known[key][1]


def _window_of(mask: torch.Tensor, layer: int) -> int | None:
    """The window of a mask [1, 1 or heads, T, T], None if it hides only later tokens. Refuses any other mask."""
    import torch

    tokens = mask.shape[-1]
    window, first = None, []
    for begin in range(0, tokens, ROWS):
        rows = mask[0, :, begin:begin + ROWS, :]
        if rows.dtype != torch.bool:
            visible = rows > torch.finfo(rows.dtype).min / 2
            if (rows[visible] != 0).any():
                raise InputError(f"layer {layer}: its attention adds a bias to the scores, which a workload cannot say")
            rows = visible
        if not (rows == rows[:1]).all():
            raise InputError(f"layer {layer}: its mask is not that of all query heads, which a workload cannot say")
        rows = rows[0]
        last = torch.arange(begin, begin + len(rows), device=rows.device)
        first.append(rows.to(torch.uint8).argmax(-1))
        # A run of tokens that ends at the query's own.
        if not (torch.equal(rows.sum(-1), last - first[-1] + 1) and rows[last - begin, last].all()):
            raise InputError(f"layer {layer}: its mask is no causal one, which a workload cannot say")
    begins = torch.cat(first)
    if not begins.any():
        return None
    ends = torch.arange(tokens, device=begins.device)
    window = int((ends - begins + 1).max())
    if not torch.equal(begins, (ends - window + 1).clamp_min(0)):
        raise InputError(f"layer {layer}: its mask is no sliding window (chunks of tokens?), which a workload cannot say")
    return window


def exact_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, scaling: float,
                    softcap: float | None = None, sinks: torch.Tensor | None = None) -> torch.Tensor:
    """Attention of q [B, Hq, T, D] to k and v [B, Hkv, T, D], ROWS queries at a time: [B, T, Hq, D]."""
    import torch

    batch, heads, tokens, _ = q.shape
    groups = heads // k.shape[1]
    output = q.new_empty(batch, heads, tokens, v.shape[-1])
    keys, values = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    for begin in range(0, tokens, ROWS):
        rows = slice(begin, min(begin + ROWS, tokens))
        scores = q[:, :, rows] @ keys.transpose(2, 3) * scaling
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        if mask is None:
            visible = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril(begin)
        else:
            visible = mask[..., rows, :]
        if visible.dtype == torch.bool:
            scores = scores.masked_fill(~visible, float("-inf"))
        else:
            scores = scores + visible
        if sinks is not None:
            scores = torch.cat([scores, sinks.view(1, -1, 1, 1).expand(batch, -1, scores.shape[2], 1).to(scores)], -1)
        weights = torch.softmax(scores.float(), -1).to(q)[..., :tokens]
        output[:, :, rows] = weights @ values
    return output.transpose(1, 2).contiguous()


class _Recorder:
    """Writes what attention layers are given, as long as it is the active one."""

    def __init__(self, writer: WorkloadWriter, layers: Collection[int] | None, heads: Collection[str] | None,
                 queries: int, progress: Callable[[Attention], None] | None):
        self.writer, self.layers, self.heads, self.queries, self.progress = writer, layers, heads, queries, progress
        self.seen: list[Attention] = []
        self.written: set[str] = set()
        self._masks = _Masks()
        self._caches: list[tuple[weakref.ref[torch.Tensor], int]] = []

    def __call__(self, module: torch.nn.Module, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor,
                 mask: torch.Tensor | None, scaling: float, options: dict[str, Any]) -> None:
        layer = getattr(module, "layer_idx", None)
        if layer is None:
            raise InputError(f"{type(module).__name__} does not say which layer it is")
        if any(attention.layer == layer for attention in self.seen):
            raise InputError(f"layer {layer}: it computes attention more than once, which a workload cannot say")
        attention = Attention(layer=layer, kv_heads=k.shape[1], groups=q.shape[1] // k.shape[1], head_dim=q.shape[-1],
                              scaling=scaling, softcap=options.get("softcap"), sinks=options.get("s_aux"),
                              cache_of=self._cache_of(k, layer), window=self._masks.window(mask, layer)
                              if self._is_wanted(layer, k.shape[1]) else None)
        self.seen.append(attention)
        if self._is_wanted(layer, k.shape[1]):
            self._check(module, q, k, v, options, layer)
            self._write(attention, q, k, v)
            if self.progress is not None:
                self.progress(attention)
        if self._has_all():
            raise _Finished

    def _is_wanted(self, layer: int, kv_heads: int) -> bool:
        if self.layers is not None and layer not in self.layers:
            return False
        return self.heads is None or any(f"l{layer}.h{head}" in self.heads for head in range(kv_heads))

    def _has_all(self) -> bool:
        if self.heads is not None:
            return self.written >= set(self.heads)
        return self.layers is not None and {attention.layer for attention in self.seen} >= set(self.layers)

    def _cache_of(self, k: torch.Tensor, layer: int) -> int | None:
        # A layer that uses another's keys is given that layer's tensor. A dead one's address may be found again.
        for reference, owner in self._caches:
            other = reference()
            if other is not None and other.data_ptr() == k.data_ptr() and other.shape == k.shape:
                return owner
        self._caches.append((weakref.ref(k), layer))
        return None

    @staticmethod
    def _check(module: torch.nn.Module, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: dict[str, Any],
               layer: int) -> None:
        import torch

        causal = options.get("is_causal")
        if not (getattr(module, "is_causal", True) if causal is None else causal) or q.shape[2] != k.shape[2]:
            raise InputError(f"layer {layer}: {type(module).__name__} is no causal self-attention")
        if k.shape[-1] != v.shape[-1]:
            raise InputError(f"layer {layer}: its keys have {k.shape[-1]} channels and its values {v.shape[-1]} (latent "
                             "attention?), a workload has the same number for both")
        for name, value in options.items():
            if isinstance(value, torch.Tensor) and name not in HARMLESS:
                raise InputError(f"layer {layer}: {type(module).__name__} gives its attention a {name}, which a workload "
                                 "cannot say")

    def _write(self, attention: Attention, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> None:
        # The reader's scale is 1/sqrt(D): the model's own goes into q.
        factor = attention.scaling * attention.head_dim ** 0.5
        for head, name in enumerate(attention.heads()):
            if self.heads is not None and name not in self.heads:
                continue
            group = slice(head * attention.groups, (head + 1) * attention.groups)
            queries = q[0, group, -self.queries:].float() * factor
            sinks = attention.sinks
            self.writer.add_head(
                name, queries.cpu().numpy(), k[0, head].float().cpu().numpy(), v[0, head].float().cpu().numpy(),
                sliding_window=attention.window, softcap=attention.softcap,
                sink_logits=None if sinks is None else sinks.detach().flatten()[group].float().cpu().numpy(),
                cache_of=None if attention.cache_of is None else f"l{attention.cache_of}.h{head}")
            self.written.add(name)


_active: _Recorder | None = None


def _attention(module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
               attention_mask: torch.Tensor | None, scaling: float | None = None, dropout: float = 0.0,
               **options: Any) -> tuple[torch.Tensor, None]:
    """What transformers calls: query [B, Hq, T, D], key and value [B, Hkv, T, D], after RoPE."""
    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    if _active is not None:
        _active(module, query, key, value, attention_mask, scaling, options)
    return exact_attention(query, key, value, attention_mask, scaling, options.get("softcap"),
                           options.get("s_aux")), None


def register() -> None:
    """Makes `aqpim_capture` an attention implementation of transformers. Done by capture(); harmless twice."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def capture(model: PreTrainedModel, token_ids: Sequence[int], writer: WorkloadWriter, *,
            layers: Collection[int] | None = None, heads: Collection[str] | None = None, queries: int = 512,
            progress: Callable[[Attention], None] | None = None) -> list[Attention]:
    """Has `model` read the tokens and writes its heads.

    `layers` and `heads` ("l2.h0") say which ones (default: all), `queries` how many of the last tokens' queries;
    `progress` is told of each layer that is written. Returns what attention each layer has that was computed, of the
    last one that is wanted and all before it; windows are known of those that were written. The model's attention
    implementation is as before afterwards.

    Raises InputError, one sentence with the layer, if the model's attention does not go through transformers' registry,
    if a wanted layer's attention is of a kind that a workload cannot say, if there is no such layer or head, or as
    WorkloadWriter.
    """
    import torch

    global _active
    if queries < 1:
        raise InputError(f"at least 1 query is captured, not {queries}")
    register()
    before = model.config._attn_implementation
    recorder = _Recorder(writer, layers, heads, queries, progress)
    ids = torch.as_tensor(list(token_ids), device=model.device)[None]
    try:
        _use(model, NAME)
        _active = recorder
        with torch.no_grad():
            model(input_ids=ids, use_cache=False, logits_to_keep=1)
    except _Finished:
        pass
    finally:
        _active = None
        _use(model, before)
    _check_all_seen(model, recorder)
    return recorder.seen


def _use(model: PreTrainedModel, implementation: str) -> None:
    try:
        model.set_attn_implementation(implementation)
    except (KeyError, ValueError) as error:
        raise _not_registered(model) from error


def _not_registered(model: PreTrainedModel) -> InputError:
    return InputError(f"{type(model).__name__} does not compute its attention through transformers' AttentionInterface, "
                      "so it cannot be captured")


def _check_all_seen(model: PreTrainedModel, recorder: _Recorder) -> None:
    if not recorder.seen:
        raise _not_registered(model)
    seen = sorted({attention.layer for attention in recorder.seen})
    if recorder.layers is not None and not set(recorder.layers) <= set(seen):
        missing = sorted(set(recorder.layers) - set(seen))
        raise InputError(f"{type(model).__name__} has no attention in layer {missing[0]}, only in "
                         f"{', '.join(map(str, seen))}")
    if recorder.heads is not None and not recorder.written >= set(recorder.heads):
        missing_heads = sorted(set(recorder.heads) - recorder.written)
        raise InputError(f"{type(model).__name__} has no KV head {missing_heads[0]}"
                         + ("" if recorder.layers is None else " in the layers that were asked for"))
