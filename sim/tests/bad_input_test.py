#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input to every subcommand of aqpim, built with the address and undefined-behaviour sanitizers.

    bad_input_test.py RELEASE_TREE SANITIZE_TREE

Each case must end with exit code 2 and one sentence on standard error that says what and where; it must write nothing,
and leave older results as they are. One legal run shows that the sentences are not for everything.
"""
import json
import math
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

FORMATS = {"F16": "e", "F32": "f", "F64": "d", "I8": "b"}
NOT_FINITE = re.compile(r"(?<![a-z])-?(nan|inf)(?![a-z])")
TOKENS, HEAD_DIM, GROUPS, QUERY_TOKENS = 256, 64, 1, 64


def tensor(dtype, shape, values=None):
    """Dtype, shape and bytes; values repeat a fixed pattern unless given."""
    count = math.prod(shape)
    if values is None:
        values = [((7 * i * i + 3 * i) % 251 - 125) / 64 for i in range(count)]
    return dtype, shape, struct.pack(f"<{count}{FORMATS[dtype]}", *values)


def head(name="l0.h0", tokens=TOKENS, head_dim=HEAD_DIM, query_tokens=QUERY_TOKENS):
    return {f"{name}.q": tensor("F16", [GROUPS, query_tokens, head_dim]),
            f"{name}.k": tensor("F16", [tokens, head_dim]),
            f"{name}.v": tensor("F16", [tokens, head_dim])}


def safetensors(tensors, change=lambda header: None):
    """Bytes of a file; `change` may spoil its header."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    change(header)
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_value(letter, index, value):
    """A head with one value of tensor `letter` replaced."""
    tensors = head()
    dtype, shape, content = tensors[f"l0.h0.{letter}"]
    content = bytearray(content)
    struct.pack_into("<e", content, 2 * index, value)
    return tensors | {f"l0.h0.{letter}": (dtype, shape, bytes(content))}


def scaled(letter, factor, others=()):
    """A head in F32 with tensor `letter` times a factor; `others`: index and value of elements."""
    tensors = head()
    dtype, shape, content = tensors[f"l0.h0.{letter}"]
    values = [value * factor for value in struct.unpack(f"<{len(content) // 2}e", content)]
    for index, value in others:
        values[index] = value
    return tensors | {f"l0.h0.{letter}": tensor("F32", shape, values)}


def in_bfloat16(tensors):
    """The same head, its F32 tensors cut to BF16."""
    return {name: (dtype, shape, content) if dtype != "F32" else
            ("BF16", shape, b"".join(content[i + 2:i + 4] for i in range(0, len(content), 4)))
            for name, (dtype, shape, content) in tensors.items()}


def without(name):
    return {key: value for key, value in head().items() if key != name}


def shift_offsets(name, amount):
    def change(header):
        header[name]["data_offsets"] = [offset + amount for offset in header[name]["data_offsets"]]
    return change


def bad_files():
    """Name, bytes and a part of the sentence that is expected, of files whose header is bad."""
    good = safetensors(head())
    length = struct.unpack("<Q", good[:8])[0]
    entry = b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    duplicate = b"{" + entry + b"," + entry + b"}"
    yield "empty", b"", "is empty"
    yield "short", good[:5], "has only 5 bytes"
    yield "truncated_header", good[:8 + length // 2], "is truncated"
    yield "truncated_data", good[:-1], "but the file has only"
    yield "trailing_bytes", good + b"\0", "at its end belong to no tensor"
    yield "oversized_header", struct.pack("<Q", 1 << 40) + good[8:], "at most 100000000 are allowed"
    yield "largest_header", struct.pack("<Q", 2**64 - 1) + good[8:], "at most 100000000 are allowed"
    yield "no_json", struct.pack("<Q", length) + b"{" * length + good[8 + length:], "is not valid JSON"
    yield "duplicate_key", struct.pack("<Q", len(duplicate)) + duplicate, 'the key "a" twice'
    yield "overlap", safetensors(head(), shift_offsets("l0.h0.v", -2)), "overlaps"
    yield "hole", safetensors(head(), shift_offsets("l0.h0.v", 2)), "but the file has only"
    yield "negative_shape", safetensors(head(), lambda h: h["l0.h0.k"].update(shape=[-1, 64])), "not negative"
    yield "huge_shape", safetensors(head(), lambda h: h["l0.h0.k"].update(shape=[2**40, 2**40])), "64 bits"
    yield "metadata", safetensors(head(), lambda h: h.update(__metadata__={"model": 1})), "must be a string"
    yield "no_head", safetensors({"x": tensor("F32", [1])}), "holds no attention head"
    yield "no_value", safetensors(without("l0.h0.v")), "head l0.h0 has no tensor l0.h0.v"
    yield "wrong_dtype", safetensors(head() | {"l0.h0.k": tensor("F64", [TOKENS, HEAD_DIM])}), "l0.h0.k has dtype F64"
    yield "wrong_rank", safetensors(head() | {"l0.h0.q": tensor("F16", [QUERY_TOKENS, HEAD_DIM])}), "[G, Tq, D]"
    yield "fewer_values", safetensors(head() | {"l0.h0.v": tensor("F16", [TOKENS - 1, HEAD_DIM])}), "l0.h0.k has shape"
    yield "other_width", safetensors(head() | {"l0.h0.q": tensor("F16", [1, 8, 32])}), "l0.h0.q has 32 channels"
    yield "more_queries", safetensors(head(tokens=64, query_tokens=65)), "more than the 64 of .k"
    yield "no_token", safetensors(head(tokens=0, query_tokens=0)), "with nothing empty"
    yield "queries_first", safetensors(head() | {"l0.h0.q": tensor("F16", [130, 1, HEAD_DIM])}), "--queries-first"
    yield "float8", safetensors(head() | {"l0.h0.k": ("F8_E4M3", [TOKENS, HEAD_DIM], bytes(TOKENS * HEAD_DIM))}), \
        "l0.h0.k has dtype F8_E4M3, allowed are F16, BF16 and F32"
    yield "git_lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n", "Git LFS"
    yield "pickle", b"PK\x03\x04" + bytes(100), "a zip archive"
    yield "web_page", b"<!doctype html><title>404</title>", "a web page"


def bad_values():
    """The same of files whose header is good."""
    yield "nan_key", safetensors(with_value("k", 70, math.nan)), "l0.h0.k has NaN at token 1, channel 6"
    yield "large_keys", safetensors(scaled("k", 1e30)), "what is encoded is FP16, ±65504"
    yield "large_values", safetensors(in_bfloat16(scaled("v", 1e36))), "what is encoded is FP16, ±65504"
    yield "large_queries", safetensors(scaled("q", 1e30)), "queries are FP16, ±65504"
    yield "inf_value", safetensors(with_value("v", 3, math.inf)), "l0.h0.v has an infinite value at token 0, channel 3"
    yield "nan_query", safetensors(with_value("q", 64, math.nan)), "l0.h0.q has NaN at query head 0, token 193"


def bad_traces(good):
    """A part of the sentence that is expected, and bytes of a trace."""
    yield "holds no command", b""
    yield "holds no command", b"# nothing\n"
    yield "line 6: there are 1 fields", good + b"46"
    yield "line 6: cycle 44 comes after cycle 45", good + b"44 PRE 0 1 - -\n"
    yield 'line 6: there is no command "NOP"', good + b"46 NOP 0 - - -\n"
    yield "line 6: bank is 16, allowed are 0 to 15", good + b"46 PRE 0 16 - -\n"
    yield "line 1: there are", good.replace(b"\n", b"\0")[2:]
    yield "line 1: ", bytes(range(256)).replace(b"\n", b"").replace(b"#", b"")[:255]
    yield "line 6: longer than 255", good + b"9" * 100_000


class Checker:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.passed = 0
        self.failed = 0

    def snapshot(self):
        return {path: path.read_bytes() if path.is_file() else None for path in self.folder.rglob("*")}

    def run(self, arguments):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True,
                              errors="replace", timeout=120)

    def count(self, what, problems):
        if problems:
            self.failed += 1
            print(f"{what}: {'; '.join(problems)}")
        else:
            self.passed += 1

    def refused(self, part, *arguments):
        """The program must refuse these arguments with one sentence that holds `part`."""
        before = self.snapshot()
        result = self.run(arguments)
        problems = []
        if result.returncode != 2:
            problems.append(f"exit code {result.returncode}")
        if not result.stderr.startswith("aqpim: ") or result.stderr.count("\n") != 1 or len(result.stderr) > 500:
            problems.append("not one sentence")
        if part not in result.stderr:
            problems.append(f"lacks \"{part}\"")
        if problems:
            problems.append(f"standard error: {result.stderr[:2000]!r}")
        if self.snapshot() != before:
            problems.append("files changed")
        self.count(" ".join(map(str, arguments)), problems)

    def tells(self, pattern, *arguments):
        """The program must take these arguments, and its output must match the pattern."""
        result = self.run(arguments)
        text = result.stdout + result.stderr
        self.count(" ".join(map(str, arguments)), [] if result.returncode == 0 and re.search(pattern, text)
                   else [f"exit code {result.returncode}, nothing like {pattern!r} in {text[:2000]!r}"])

    def finite(self, out, *arguments):
        """The program must take these arguments, and tell and write no number that is not finite."""
        result = self.run(arguments)
        problems = [f"exit code {result.returncode}: {result.stderr[:2000]}"] if result.returncode else []
        texts = {"its output": result.stdout}
        texts |= {path.name: path.read_text() for path in out.rglob("*") if path.suffix in (".csv", ".json")}
        problems += [f"{name} has {NOT_FINITE.search(text)[0]}" for name, text in texts.items()
                     if NOT_FINITE.search(text)]
        problems += [f"{name} has null for a figure" for name, text in texts.items()
                     if re.search(r'"(\w*error|cosine|kl|fixed_point_\w+)": null', text)]
        self.count(" ".join(map(str, arguments)), problems)

    def accepted(self, *arguments):
        result = self.run(arguments)
        self.count(" ".join(map(str, arguments)),
                   [f"exit code {result.returncode}: {result.stderr[:2000]}"] if result.returncode else [])


def check(checker, folder):
    def put(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    good = put("good.safetensors", safetensors(head()))
    other = put("narrow.safetensors", safetensors(head(head_dim=32)))
    tiny = put("tiny.safetensors", safetensors(head(tokens=100, query_tokens=10)))
    elsewhere = put("elsewhere.safetensors", safetensors(head("l1.h0")))
    occupied = put("occupied", b"a file")
    out = folder / "older_results"
    out.mkdir()
    put("older_results/report.json", b"older")
    cache = folder / "cache.safetensors"

    def each_player(part, file):
        checker.refused(part, "quantize", file, "-o", cache)
        checker.refused(part, "sim", "--workload", file, "--out", out)
        checker.refused(part, "accuracy", "--workload", file, "--out", out)

    def each_reader(part, file):
        checker.refused(part, "info", file)
        each_player(part, file)

    each_reader("No such file or directory", folder / "missing")
    each_reader("a folder is one workload", folder)
    each_reader("without a safetensors file", out)
    each_reader("its 1 shards is missing", put("x.index.json", b'{"weight_map": {"l0.h0.q": "missing.safetensors"}}'))
    for name, content, part in bad_files():
        each_reader(part, put(f"{name}.safetensors", content))
    for name, content, part in bad_values():
        each_player(part, put(f"{name}.safetensors", content))

    def sim(part, *arguments, workload=good):
        checker.refused(part, "sim", "--workload", workload, "--out", out, *arguments)

    sim('has no head "l9.h9", it has l0.h0', "--heads", "l9.h9")
    sim("pq9", "--config", "pq9")
    sim("pq8", "--config", "pq8")  # D = 128
    sim("queries", "--queries", "65")
    sim("quer", "--queries", "0")
    sim("--queries: Value -1 not in range", "--queries", "-1")
    sim("--queries", "--queries", "many")
    sim("queries", "--queries", "99999999999999999999")
    sim("--seed", "--seed", "x")
    sim("--engines", "--engines", "0")
    sim("--jobs", "--jobs", "none")
    sim("--unknown", "--unknown")
    sim("extra", "extra")
    sim("leave no token to quantize", workload=tiny)
    sim("32", workload=other)
    for place in (occupied, occupied / "inside", "/proc/aqpim"):
        checker.refused(str(place), "sim", "--workload", good, "--queries", "1", "--out", place)

    def accuracy(part, *arguments, workload=good):
        checker.refused(part, "accuracy", "--workload", workload, "--out", out, *arguments)

    accuracy('has no head "l9.h9", it has l0.h0', "--heads", "l9.h9")
    accuracy("pq9", "--config", "pq9")
    accuracy("for heads of 128 channels", "--config", "pq8")
    accuracy("queries", "--queries", "65")
    accuracy("quer", "--queries", "0")
    accuracy("--threads", "--threads", "0")
    accuracy("--variants", "--variants", "some")
    accuracy("is given twice", "--workload", good)
    accuracy("leave no token to quantize", workload=tiny)
    accuracy("32 channels", workload=other)
    accuracy("cannot be read", "--page", folder / "no_page.md")
    accuracy("has no pair of lines", "--page", put("page.md", b"no tables"))
    for place in (occupied, occupied / "inside", "/proc/aqpim"):
        checker.refused(str(place), "accuracy", "--workload", good, "--out", place)

    def quantize(part, *arguments, workload=good):
        checker.refused(part, "quantize", workload, "-o", cache, *arguments)

    quantize('has no head "l9.h9", it has l0.h0', "--heads", "l9.h9")
    quantize("pq9", "--config", "pq9")
    quantize("128", "--config", "pq8")
    quantize("--sinks", "--sinks", "-8")
    quantize("append block", "--append-block", "100")
    quantize("leave no token to quantize", workload=tiny)
    quantize("only for", workload=other)
    short = put("short.safetensors", safetensors(head(tokens=39, query_tokens=8)))
    for command in (sim, quantize):
        command("leave no token to quantize", workload=short)  # 8 sinks and 32 recent tokens are 40
        command("autox", "--transform", "autox")
        command("half", "--clustering", "half")
        command("--window", "--window", "-16")
        command("multiple of 16", "--window", "100")
        command("needs a --calibration", "--calibration-tokens", "100")
        command("No such file", "--calibration", folder / "missing")
        command("has no head l0.h0", "--calibration", elsewhere)
        command("reaches beyond the prefill of 224", "--calibration", good, "--calibration-tokens", "225")
        command("cannot use 8 of the 256", "--calibration", good, "--calibration-tokens", "8")
        command("l0.h0.q has NaN", "--allow-nonfinite", workload=folder / "nan_query.safetensors")
    checker.refused("cannot be written", "quantize", good, "-o", folder / "no" / "such")
    checker.refused("cannot be written", "quantize", good, "-o", out)
    checker.refused("overwrite", "quantize", good, "-o", good)
    checker.refused("overwrite", "quantize", good, "-o", elsewhere, "--calibration", elsewhere)
    last = put("last.safetensors", safetensors(head(query_tokens=1)))
    for command in (sim, quantize, accuracy):
        command("give at most 255 as --prefill", workload=last)
    sim("lists/b.safetensors cannot be read", "--workloads", f"{good} lists/b.safetensors")

    trace = put("trace", b"# a row of all banks\n0 ACT_ALL 0 all 1 -\n19 RD_ALL 0 all 1 0\n\n45 PRE_ALL 0 all - -\n")
    for part, content in bad_traces(trace.read_bytes()):
        checker.refused(part, "trace", put("bad_trace", content))
    checker.refused("No such file or directory", "trace", folder / "missing")
    checker.refused("it is a directory", "trace", folder)
    checker.refused("FILE is required", "trace")
    checker.refused('there is no memory "hbm9", built are hbm3-5200', "trace", trace, "--memory", "hbm9")
    checker.refused("--banks-per-engine", "trace", trace, "--banks-per-engine", "3")
    checker.refused("--print", "trace", trace, "--print", "-1")

    checker.refused('there is no configuration "pq9"', "prefill", "--config", "pq9")
    checker.refused("--tokens", "prefill", "--tokens", "0")
    checker.refused("--tokens", "prefill", "--tokens", "many")
    checker.refused("--engines", "prefill", "--engines", "65")
    checker.refused("--seed", "prefill", "--seed", "-")
    checker.refused("--unknown", "prefill", "--unknown")
    checker.refused("extra", "prefill", "extra")

    checker.refused("FILE is required", "info")
    checker.refused("--unknown", "info", good, "--unknown")
    checker.refused("a subcommand is required")
    checker.refused("unknown", "unknown")
    checker.refused("--unknown", "--unknown")

    checker.accepted("info", good)
    checker.accepted("info", tiny)
    checker.accepted("info", good, "--json")
    checker.accepted("accuracy", "--workload", last, "--prefill", "255", "--variants", "standard",
                     "--out", folder / "last")
    for name, _, _ in bad_values():
        checker.accepted("info", folder / f"{name}.safetensors")
    checker.accepted("quantize", good, "-o", cache)
    checker.accepted("quantize", good, "-o", cache, "--calibration", good, "--calibration-tokens", "224")
    for name in ("nan_key", "inf_value"):
        checker.accepted("quantize", folder / f"{name}.safetensors", "-o", cache, "--allow-nonfinite")
    one_infinite = [(100 * HEAD_DIM + 3, math.inf), (101 * HEAD_DIM + 3, math.nan), (102 * HEAD_DIM + 5, -1e38)]
    for name, tensors in (("keys", scaled("k", 1, one_infinite)), ("values", in_bfloat16(scaled("v", 1, one_infinite))),
                          ("all", scaled("k", math.inf))):
        file = put(f"infinite_{name}.safetensors", safetensors(tensors))
        results = folder / f"infinite_{name}"
        checker.finite(results, "sim", "--workload", file, "--queries", "2", "--out", results, "--allow-nonfinite",
                       "--software-prefill")
        checker.finite(results, "accuracy", "--workload", file, "--queries", "2", "--variants", "standard", "--out",
                       results, "--allow-nonfinite")
        checker.finite(results, "quantize", file, "-o", cache, "--allow-nonfinite")
    hot = put("hot.safetensors", safetensors(scaled("q", 2000)))
    checker.tells(r"pq4-d64 l0.h0 saturated in [1-9]\d* of \d+ results \(.* in \d+\): .*Check", "sim", "--workload", hot,
                  "--queries", "2", "--config", "pq4-d64", "--software-prefill", "--out", folder / "hot")
    checker.tells(r"l0.h0 saturated in [1-9]\d* of \d+ results", "quantize", hot, "-o", cache)
    masked = put("masked.safetensors", safetensors(scaled("k", 1, [(100 * HEAD_DIM + 3, 6e4)])))
    for command in (("quantize", masked, "-o", cache), ("sim", "--workload", masked, "--queries", "2", "--out",
                                                        folder / "masked", "--software-prefill")):
        checker.tells(r"warning: .*l0.h0: 1 token kept exact.*key of token 100 \(6e\+04 in channel 3, ", *command)
    # What is usual comes from the prefill that was asked for.
    later = put("later.safetensors", safetensors(scaled("k", 1, [(t * HEAD_DIM + 3, 6e4) for t in range(150, TOKENS)])))
    for command in (("quantize", later, "-o", cache),
                    ("accuracy", "--workload", later, "--variants", "standard", "--queries", "2", "--out", folder / "later")):
        checker.tells(f"warning: .*l0.h0: {TOKENS - 150} tokens kept exact", *command, "--prefill", "192")
    checker.accepted("sim", "--workload", good, "--queries", "2", "--out", folder / "results")
    checker.accepted("trace", trace)
    checker.accepted("prefill", "--config", "pq4-d64", "--tokens", "20", "--engines", "2")
    checker.accepted("accuracy", "--workload", good, "--queries", "2", "--variants", "standard",
                     "--out", folder / "accuracy")
    for command in ("info", "quantize", "sim", "prefill", "trace", "accuracy"):
        checker.accepted(command, "--help")
    checker.accepted("--version")


def main():
    _, sanitized = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        checker = Checker(Path(sanitized).resolve() / "aqpim", Path(name))
        check(checker, Path(name))
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
