#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts one head out of a capture, keeping its first and last tokens bit for bit.

usage: cut.py CAPTURE HEAD FIRST LAST OUTPUT      (needs numpy; keeps all tokens if FIRST + LAST covers them)
"""
import json
import sys

import numpy as np

KEPT_METADATA = ("model", "source", "license", "rope_theta")


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F16":
            sys.exit(f"{path}: {name} is not F16")
        first, last = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin + first:begin + last], "<f2").reshape(entry["shape"])
    return metadata, tensors


def write(path, metadata, tensors):
    header, position = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(tensor.shape),
                        "data_offsets": [position, position + tensor.nbytes]}
        position += tensor.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(tensor.tobytes() for tensor in tensors.values())


def main():
    capture, head, first, last, output = sys.argv[1:]
    first, last = int(first), int(last)
    metadata, tensors = read(capture)
    q, k, v = (tensors[f"{head}.{letter}"] for letter in "qkv")
    tokens, queries = k.shape[0], q.shape[1]
    if queries > last:
        sys.exit(f"the file holds the queries of the last {queries} tokens: keep at least those")
    if first + last >= tokens:
        kept = f"all {tokens} tokens"
    else:
        k, v = (np.concatenate((x[:first], x[-last:])) for x in (k, v))
        kept = f"tokens 0-{first - 1} and {tokens - last}-{tokens - 1} of {tokens} of k and v, in this order"
    name = capture.rsplit("/", 1)[-1]
    metadata = {key: str(metadata[key]) for key in KEPT_METADATA}
    metadata["cut"] = (f"head {head} of {name}: {kept}; the queries of the last {queries} tokens; "
                       "values bit for bit, positions as in the capture (RoPE not redone)")
    write(output, metadata, {f"{head}.k": k, f"{head}.q": q, f"{head}.v": v})


if __name__ == "__main__":
    main()
