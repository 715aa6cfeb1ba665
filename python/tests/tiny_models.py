# SPDX-License-Identifier: Apache-2.0
"""Tiny random models of many architectures, and whether a capture says all about their attention."""
import json
import math
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch  # noqa: E402
from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForCausalLM  # noqa: E402
from transformers.masking_utils import sdpa_mask  # noqa: E402
from transformers.models.auto.configuration_auto import CONFIG_MAPPING  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from aqpim.capture import capture  # noqa: E402
from aqpim.workload_file import WorkloadWriter  # noqa: E402

TOKENS = 64
# Parameters of a tiny model; settings of an architecture that SMALL does not reach make larger ones.
LARGEST = 5e6
SMALL = {"vocab_size": 128, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 8,
         "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256, "pad_token_id": 0, "bos_token_id": 1,
         "eos_token_id": 2}
# What each architecture has otherwise; None: it has no such entry.
WINDOW = {"sliding_window": 16}
CHANGES = {
    "llama": {},
    "qwen2": {"head_dim": None},
    "qwen3": {},
    "mistral": WINDOW,
    "gemma2": WINDOW | {"query_pre_attn_scalar": 24, "attn_logit_softcapping": 5.0},
    "gemma3_text": WINDOW | {"query_pre_attn_scalar": 24},
    "phi3": {"head_dim": None},
    "gpt_oss": WINDOW | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "olmo": {"head_dim": None},
    "olmo2": {"head_dim": None},
    "granite": {"head_dim": None, "attention_multiplier": 0.3},
    "cohere2": WINDOW,
    "gpt_neox": {"head_dim": None, "num_key_value_heads": None},
    "starcoder2": WINDOW | {"head_dim": None},
    "gemma3n_text": WINDOW | {
        "num_kv_shared_layers": 2, "vocab_size_per_layer_input": 128, "hidden_size_per_layer_input": 16,
        "activation_sparsity_pattern": None, "layer_types": ["sliding_attention", "full_attention"] * 2,
        "laurel_rank": 8},
    "falcon": {"head_dim": None, "num_key_value_heads": None},
    "deepseek_v3": {
        "head_dim": None, "num_key_value_heads": 8, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2,
        "kv_lora_rank": 16, "q_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16},
    "llama4_text": {"attention_chunk_size": 16, "num_local_experts": 2, "intermediate_size_mlp": 96},
}
def tiny(kind, **changes):
    """A model of this architecture, in evaluation, with its own attention."""
    torch.manual_seed(1)
    settings = SMALL | CHANGES.get(kind, {}) | changes
    config = CONFIG_MAPPING[kind](**{key: value for key, value in settings.items() if value is not None})
    with torch.device("meta"):
        size = sum(weight.numel() for weight in AutoModelForCausalLM.from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"{size:.1e} parameters")
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    # Random weights are too small for attention to depend on its input.
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if any(part in name for part in ("q_proj", "k_proj", "qkv_proj", "query_key_value")):
                weight.mul_(6)
            elif name.endswith("sinks"):
                weight.normal_()
    return model


def token_ids():
    return np.random.default_rng(3).integers(3, 128, TOKENS).tolist()


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([token_ids()]), use_cache=False).logits[0]


def read(path):
    """Metadata and tensors of a safetensors file of F32, without code of the package."""
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:begin])
    metadata = header.pop("__metadata__", {})
    return metadata, {name: np.frombuffer(content[begin:], "<f4", math.prod(entry["shape"]),
                                          entry["data_offsets"][0]).reshape(entry["shape"])
                      for name, entry in header.items()}


def attention_of(metadata, tensors, layer):
    """Output [T, Hq, D] of a layer, from the file alone, in double precision."""
    outputs = []
    for head in range(sum(name.startswith(f"l{layer}.h") and name.endswith(".k") for name in tensors)):
        name = f"l{layer}.h{head}"
        q, k, v = (tensors[f"{name}.{letter}"].astype(float) for letter in "qkv")
        scores = q @ k.T / math.sqrt(k.shape[1])
        if f"{name}.softcap" in metadata:
            cap = float(metadata[f"{name}.softcap"])
            scores = cap * np.tanh(scores / cap)
        distance = np.arange(len(k))[:, None] - np.arange(len(k))
        window = int(metadata.get(f"{name}.sliding_window", len(k)))
        scores = np.where((distance >= 0) & (distance < window), scores, -np.inf)
        top = scores.max(-1, keepdims=True)
        weights = np.exp(scores - top)
        total = weights.sum(-1, keepdims=True)
        if f"{name}.sink_logits" in tensors:
            total = total + np.exp(tensors[f"{name}.sink_logits"][:, None, None] - top)
        outputs.append(weights / total @ v)
    return np.concatenate(outputs).transpose(1, 0, 2)


def reproduce(model):
    """Captures the model and has it compute its logits with the attention of the file. The file's metadata and tensors,
    what was captured, and the largest difference of the logits."""
    own = logits(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture.safetensors"
        with WorkloadWriter(path, dtype="F32") as writer:
            seen = capture(model, token_ids(), writer, queries=TOKENS)
        metadata, tensors = read(path)
    assert torch.equal(own, logits(model)), "the model is not as it was"

    def from_file(module, query, *_, **__):
        output = attention_of(metadata, tensors, module.layer_idx)
        return torch.tensor(output[None], dtype=query.dtype).contiguous(), None

    AttentionInterface.register("from_file", from_file)
    AttentionMaskInterface.register("from_file", sdpa_mask)
    model.set_attn_implementation("from_file")
    return metadata, tensors, seen, float((own - logits(model)).abs().max())
