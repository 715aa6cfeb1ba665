# SPDX-License-Identifier: Apache-2.0
"""Prints which architectures of transformers can be captured, as Markdown: a tiny random model of each is
captured, and computes its logits with exact attention of the file in the place of its own.

    build/models/bin/python python/tests/architectures.py [NAME...]     default: all that generate text
"""
import contextlib
import gc
import logging
import re
import sys
import textwrap

import torch
import transformers
from tiny_models import logits, reproduce, tiny
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from aqpim.errors import InputError

LARGEST_DIFFERENCE = 1e-3


def kind_of(seen, layers):
    """What attention has beyond queries, keys and values."""
    counts = (("sliding windows", sum(attention.window is not None for attention in seen)),
              ("soft-caps", sum(attention.softcap is not None for attention in seen)),
              ("learned sinks", sum(attention.sinks is not None for attention in seen)),
              ("shared caches", sum(attention.cache_of is not None for attention in seen)))
    parts = [f"{what} in {count} of {layers} layers" for what, count in counts if count]
    if len(seen) < layers:
        parts.append(f"attention in {len(seen)} of {layers} layers")
    return ", ".join(parts)


# Settings that some architectures need, or do not know.
EXPERTS = {"num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
           "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32, "n_group": 1, "topk_group": 1}
VARIANTS = ({}, {"head_dim": None}, {"head_dim": None, "num_key_value_heads": None}, {"num_key_value_heads": 8}, EXPERTS,
            EXPERTS | {"head_dim": None}, EXPERTS | {"num_key_value_heads": 8})


def working_model(kind):
    """A tiny model that computes logits, if there is one."""
    for changes in VARIANTS:
        with contextlib.suppress(Exception):
            model = tiny(kind, **changes)
            logits(model)
            return model
    return None


def judge(kind):
    """Result and remark of an architecture."""
    model = working_model(kind)
    if model is None:
        return "not tried", "the settings of the tests make no tiny model of it"
    layers = model.config.get_text_config().num_hidden_layers
    try:
        _, _, seen, difference = reproduce(model)
    except InputError as error:
        # The same sentence for all.
        return "refused", re.sub(r"^(layer \d+: )?([A-Z]\w*(ForCausalLM|LMHeadModel|Attention) )?", "", str(error))
    except Exception as error:  # noqa: BLE001
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:90]}"
    if not difference < LARGEST_DIFFERENCE:
        return "failed", f"logits differ by {difference:.1g}"
    remark = kind_of(seen, layers)
    return ("captured" if not remark else "captured, with more than q, k, v"), remark


def page(groups):
    """Markdown of results -> remarks -> architectures: a table of their numbers, and lists."""
    lines = [f"With transformers {transformers.__version__} and torch {torch.__version__.split('+')[0]}:", "",
             "| result | architectures |", "|---|---|"]
    lines += [f"| {group} | {sum(map(len, remarks.values()))} |" for group, remarks in sorted(groups.items())]
    lines.append("")
    for group, remarks in sorted(groups.items()):
        for remark, kinds in sorted(remarks.items()):
            text = f"- **{group}**{': ' * bool(remark)}{remark}: {', '.join(kinds)}"
            lines += textwrap.wrap(text, 118, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def main():
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    groups = {}
    for kind in sys.argv[1:] or sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):
        group, remark = judge(kind)
        print(f"{kind}: {group} {remark}", file=sys.stderr, flush=True)
        groups.setdefault(group, {}).setdefault(remark, []).append(kind)
        gc.collect()
    print(page(groups))


if __name__ == "__main__":
    main()
