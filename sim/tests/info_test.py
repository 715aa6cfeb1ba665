#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aqpim info` of the committed workloads against what Python reads from the same files.

    info_test.py RELEASE_TREE SANITIZE_TREE
"""
import hashlib
import json
import subprocess
import sys
from pathlib import Path

CONFIGURATIONS = {path.stem: json.loads(path.read_text()) for path in Path("configs").glob("*.json")}


def read_header(content):
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    return header.pop("__metadata__"), header


def expected_head(name, tensors):
    query_heads, query_tokens, head_dim = tensors[f"{name}.q"]["shape"]
    tokens = tensors[f"{name}.k"]["shape"][0]
    prefill = tokens - min(query_tokens // 2, 256)
    queries = [prefill + (i + 1) * (tokens - prefill) // 16 - 1 for i in range(16)]
    return {"name": name, "tokens": tokens, "head_dim": head_dim, "query_heads": query_heads,
            "query_tokens": query_tokens, "dtypes": {letter: tensors[f"{name}.{letter}"]["dtype"] for letter in "qkv"},
            "fp16_bytes": 4 * tokens * head_dim,
            "configurations": sorted(key for key, value in CONFIGURATIONS.items()
                                     if value["engine"]["HeadDim"] == head_dim),
            "prefill": prefill, "queries": queries}


def main():
    program = Path(sys.argv[1]) / "aqpim"
    failed = 0
    files = sorted(Path("workloads").glob("*.safetensors"))
    for file in files:
        content = file.read_bytes()
        metadata, tensors = read_header(content)
        names = sorted({name.rsplit(".", 1)[0] for name in tensors})
        expected = {"file": str(file), "sha256": hashlib.sha256(content).hexdigest(), "metadata": metadata,
                    "heads": [expected_head(name, tensors) for name in names]}
        printed = json.loads(subprocess.check_output([program, "info", file, "--json"]))
        if printed != expected:
            failed += 1
            print(f"{file}: printed {printed}\nexpected {expected}")
    print(f"{len(files) - failed} passed, {failed} failed")
    return int(failed > 0 or not files)


if __name__ == "__main__":
    sys.exit(main())
