# SPDX-License-Identifier: Apache-2.0
"""aqpim-capture: the attention heads of a Hugging Face decoder, as a workload (docs/models.md of the repository)."""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .capture import Attention, capture
from .errors import InputError
from .workload_file import DTYPES, HEAD_NAME, WorkloadWriter

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def layers_of(text: str) -> set[int]:
    """0,5,10-12 as numbers."""
    layers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise argparse.ArgumentTypeError(f"layers are numbers and ranges such as 0,5,10-12, not {text!r}")
        layers.update(range(int(first), int(last or first) + 1))
    return layers


def heads_of(text: str) -> list[str]:
    heads = [part.strip() for part in text.split(",")]
    for head in heads:
        if not HEAD_NAME.fullmatch(head):
            raise argparse.ArgumentTypeError(f"a head is called l{{layer}}.h{{kvhead}}, e.g. l2.h0, not {head!r}")
    return heads


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="aqpim-capture", description="Writes the attention heads of a Hugging Face decoder that reads a text as a "
        "workload: queries and keys after RoPE, values.")
    result.add_argument("model", metavar="MODEL", help="a folder, a name on the hub, or a GGUF file")
    result.add_argument("text", metavar="TEXT", help="a text file (UTF-8)")
    result.add_argument("-o", "--output", required=True, metavar="FILE", help="workload to write (safetensors)")
    result.add_argument("--tokens", type=positive, default=2048, help="tokens of the text, from the first (default: 2048)")
    result.add_argument("--queries", type=positive, default=512,
                        help="so many of the last tokens' queries (default: 512)")
    result.add_argument("--layers", type=layers_of, help="e.g. 0,5,10-12 (default: all)")
    result.add_argument("--heads", type=heads_of, help="KV heads, e.g. l2.h0,l3.h1 (default: all)")
    result.add_argument("--dtype", choices=DTYPES, default="F16", help="format in the file (default: F16)")
    result.add_argument("--license", help="licence of model and text, for the file's metadata")
    return result


def load(name: str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and, in single precision, the model: of a folder, a hub's name, or a GGUF file."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise InputError(f"aqpim-capture needs torch and transformers ({error}); `make models-environment` installs them "
                         "into build/models") from error
    where: dict[str, Any] = {}
    path = Path(name)
    if path.suffix == ".gguf" and path.is_file():
        name, where = str(path.parent), {"gguf_file": path.name}
    elif path.exists() and not path.is_dir():
        raise InputError(f"{name} is neither a folder with a model nor a GGUF file")
    elif not path.exists() and (path.is_absolute() or name.startswith(".") or path.suffix == ".gguf"):
        raise InputError(f"there is no model {name}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **where)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **where)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(f"{name} cannot be loaded as a decoder: {' '.join(str(error).split())}") from error
    model.eval()  # type: ignore[no-untyped-call]
    return tokenizer, model


def content_of(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text} cannot be read as text: {getattr(error, 'strerror', None) or error}") from error


def token_ids(tokenizer: PreTrainedTokenizerBase, content: str, text: str, tokens: int) -> list[int]:
    ids = list(tokenizer(content).input_ids)
    if len(ids) < tokens:
        raise InputError(f"{text} has {len(ids)} tokens, {tokens} are wanted (--tokens)")
    return ids[:tokens]


def metadata_of(model: PreTrainedModel, arguments: argparse.Namespace) -> dict[str, str]:
    text_config = model.config.get_text_config()
    rope = getattr(text_config, "rope_parameters", None)
    metadata = {"model": Path(arguments.model).name if os.path.exists(arguments.model) else arguments.model,
                "source": Path(arguments.text).name}
    if arguments.license:
        metadata["license"] = arguments.license
    if rope:
        metadata["rope_theta"] = str(rope["rope_theta"]) if "rope_theta" in rope else json.dumps(dict(rope))
    return metadata


class Progress:
    """A line per layer, on a terminal one that is written over."""

    def __init__(self, layers: int):
        self.layers, self.begin, self.end = layers, time.monotonic(), "\r" if sys.stderr.isatty() else "\n"

    def __call__(self, attention: Attention) -> None:
        print(f"layer {attention.layer} of {self.layers}, {attention.kv_heads} KV heads, "
              f"{time.monotonic() - self.begin:.0f} s", end=self.end, file=sys.stderr, flush=True)


def describe(seen: list[Attention], written: int, path: str, tokens: int) -> str:
    lines = [f"{path}: {written} heads, {tokens} tokens"]
    for what, has in (("a sliding window", lambda a: a.window), ("a soft-cap", lambda a: a.softcap),
                      ("sink logits", lambda a: a.sinks is not None),
                      ("the keys and values of an earlier layer", lambda a: a.cache_of is not None)):
        layers = [a.layer for a in seen if has(a)]
        if layers:
            lines.append(f"with {what}: layers {', '.join(map(str, layers))}")
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> None:
    content = content_of(arguments.text)
    tokenizer, model = load(arguments.model)
    ids = token_ids(tokenizer, content, arguments.text, arguments.tokens)
    layers = model.config.get_text_config().num_hidden_layers
    with WorkloadWriter(arguments.output, dtype=arguments.dtype, metadata=metadata_of(model, arguments)) as writer:
        seen = capture(model, ids, writer, layers=arguments.layers, heads=arguments.heads, queries=arguments.queries,
                       progress=Progress(layers))
    print(describe(seen, len(writer.names()), arguments.output, len(ids)))
    if arguments.layers is None and arguments.heads is None and len(seen) < layers:
        print(f"{layers - len(seen)} of {layers} layers have no attention over tokens")


def main() -> int:
    arguments = parser().parse_args()
    try:
        run(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
