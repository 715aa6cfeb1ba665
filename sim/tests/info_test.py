#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aqpim info` of the committed workloads against what Python reads from the same files; what it takes for large files;
shards; what it prints of long texts; memory of commands that play.

    info_test.py RELEASE_TREE SANITIZE_TREE
"""
import hashlib
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIGURATIONS = {path.stem: json.loads(path.read_text()) for path in Path("configs").glob("*.json")}
MEGABYTE = 1 << 20


def read_header(content):
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    return header.pop("__metadata__"), header, begin


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


def write_sparse(path, tensors, metadata=None):
    """A file of zeros that takes no space; `tensors` has name, dtype, shape and bytes of each."""
    header, position = {"__metadata__": metadata}, 0
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + position)
    return path


def heads(count, groups, query_tokens, tokens, head_dim):
    for i in range(count):
        for letter, shape in ("q", [groups, query_tokens, head_dim]), ("k", [tokens, head_dim]), ("v", [tokens, head_dim]):
            size = 2 * head_dim * (groups * query_tokens if letter == "q" else tokens)
            yield f"l{i // 4}.h{i % 4}.{letter}", "BF16", shape, size


def run(program, *arguments, address_space=None):
    """Exit code, standard output and error, seconds of CPU time and bytes of memory of the program."""
    def limit():
        if address_space:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        process = subprocess.Popen([program, *map(str, arguments)], stdout=out, stderr=error, preexec_fn=limit)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        error.seek(0)
        return (process.returncode, out.read().decode(errors="replace"), error.read().decode(errors="replace"),
                usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Checker:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, what, good, detail=""):
        self.passed += bool(good)
        if not good:
            self.failed += 1
            print(f"{what}: {detail}")


def check_committed(checker, program):
    for file in sorted(Path("workloads").glob("*.safetensors")):
        content = file.read_bytes()
        metadata, tensors, _ = read_header(content)
        names = sorted({name.rsplit(".", 1)[0] for name in tensors})
        expected = {"file": str(file), "metadata": metadata, "heads": [expected_head(name, tensors) for name in names]}
        for options, more in ([], {}), (["--sha256"], {"sha256": hashlib.sha256(content).hexdigest()}):
            printed = json.loads(run(program, "info", file, "--json", *options)[1])
            checker.check(f"{file} {options}", printed == expected | more, f"printed {printed}\nexpected {expected}")


def check_shards(checker, program, folder):
    """A committed workload, cut into a file for each tensor."""
    file = sorted(Path("workloads").glob("*.safetensors"))[0]
    content = file.read_bytes()
    metadata, tensors, begin = read_header(content)
    shards = folder / "it's in shards"
    shards.mkdir()
    lines, index = "", {}
    for name, info in sorted(tensors.items()):
        data = content[begin + info["data_offsets"][0]:begin + info["data_offsets"][1]]
        header = {"__metadata__": metadata, name: info | {"data_offsets": [0, len(data)]}}
        text = json.dumps(header).encode()
        shard = shards / f"{name}.safetensors"
        shard.write_bytes(struct.pack("<Q", len(text)) + text + data)
        index[name] = shard.name
        lines += f"{hashlib.sha256(shard.read_bytes()).hexdigest()}  {shard.name}\n"
    whole = json.loads(run(program, "info", file, "--json")[1])
    sha256 = hashlib.sha256(lines.encode()).hexdigest()
    for _ in range(2):
        printed = json.loads(run(program, "info", shards, "--json", "--sha256")[1])
        checker.check("a folder of shards", printed == whole | {"file": str(shards), "sha256": sha256}, printed)
        (shards / "a.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    # The same cache, but for the digest in its header.
    caches = []
    for workload in (file, shards / "a.safetensors.index.json"):
        code, _, error, _, _ = run(program, "quantize", workload, "-o", folder / "cache", "--clustering", "float",
                                   "--transform", "none", "--no-weights")
        checker.check("quantize", code == 0, error)
        cache = (folder / "cache").read_bytes()
        caches.append(cache[read_header(cache)[2]:])
    checker.check("the cache of shards", caches[0] == caches[1])


def check_sizes(checker, program, folder):
    large = write_sparse(folder / "large.safetensors", heads(128, 7, 512, 131072, 128))
    code, out, error, seconds, memory = run(program, "info", large, "--json")
    checker.check("8.1 GiB", code == 0 and len(json.loads(out)["heads"]) == 128, error)
    checker.check("8.1 GiB in 1 s of CPU time", seconds <= 1, f"{seconds} s")
    checker.check("8.1 GiB in 100 MB", memory <= 100 * MEGABYTE, f"{memory} bytes")

    samples = ((f"sample.{i:07d}.attention.value", "U8", [1], 1) for i in range(400_000))
    many = write_sparse(folder / "many.safetensors", [*heads(1, 1, 64, 256, 64), *samples])
    code, out, error, seconds, _ = run(program, "info", many, "--json")
    checker.check("400,000 tensors", code == 0 and len(json.loads(out)["heads"]) == 1, error)
    checker.check("400,000 tensors in 2 s of CPU time", seconds <= 2, f"{seconds} s")

    # 2.2 MB a head in four bytes a number: what is played is in memory, not what is there.
    wide = write_sparse(folder / "wide.safetensors", heads(60, 32, 256, 256, 64))
    code, _, error, _, memory = run(program, "quantize", wide, "-o", folder / "cache", "--clustering", "float",
                                    "--transform", "none", "--no-weights")
    checker.check("a head after the other", code == 0 and memory <= 60 * MEGABYTE, f"{memory} bytes, {error}")

    # Too little for the head's values, and for what is made from them.
    long = write_sparse(folder / "long.safetensors", heads(1, 7, 512, 131072, 128))
    for limit in (120, 250):
        code, _, error, _, _ = run(program, "quantize", long, "-o", folder / "none",
                                   address_space=limit * MEGABYTE)
        checker.check(f"a head of 131,072 tokens in {limit} MB",
                      code == 2 and error.startswith("aqpim: ") and "not enough memory" in error
                      and error.count("\n") == 1 and not list(folder.glob("none*")), f"exit code {code}, {error}")


def check_texts(checker, program, folder):
    texts = {"notes": "é" * 3000, "k" * 6000: "x", "lines": "a\nb\x1b[2J"}
    file = write_sparse(folder / "texts.safetensors", heads(1, 1, 64, 256, 64), texts)
    _, out, error, _, _ = run(program, "info", file)
    checker.check("lines of long texts", error == "" and max(map(len, out.splitlines())) < 400, out)
    checker.check("a long text begins", "é" * 70 in out and "(6000 bytes, all with --json)" in out and "\x1b" not in out, out)
    checker.check("JSON has all", json.loads(run(program, "info", file, "--json")[1])["metadata"] == texts)

    file = write_sparse(folder / "first.safetensors", [("l0.h0.q", "F32", [512, 7, 64], 512 * 7 * 64 * 4),
                                                       *list(heads(1, 1, 1, 1024, 64))[1:]])
    code, _, error, _, _ = run(program, "info", file)
    checker.check("queries first", code == 2 and "[512, 7, 64]" in error and "--queries-first" in error, error)
    _, out, _, _, _ = run(program, "info", file, "--queries-first", "--json")
    head = json.loads(out)["heads"][0]
    checker.check("queries first, said", (head["query_heads"], head["query_tokens"]) == (7, 512), out)

    file = write_sparse(folder / "last.safetensors", heads(1, 7, 1, 1024, 64))
    _, out, _, _, _ = run(program, "info", file)
    checker.check("the last query alone", "give at most 1023 as --prefill" in out, out)


def main():
    program = Path(sys.argv[1]).resolve() / "aqpim"
    checker = Checker()
    folder = Path(tempfile.mkdtemp())
    try:
        check_committed(checker, program)
        check_shards(checker, program, folder)
        check_sizes(checker, program, folder)
        check_texts(checker, program, folder)
    finally:
        shutil.rmtree(folder)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
