#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `aqpim accuracy` writes, with one row of an integer cache and one of product quantization recomputed by numpy.

    accuracy_test.py RELEASE_TREE SANITIZE_TREE
"""
import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.dont_write_bytecode = True
from recompute import decode, read_safetensors  # noqa: E402
from recompute_test import ROOT, unseen_workload  # noqa: E402

FILES = {"accuracy.csv", "accuracy.json", "accuracy.md", "error_bits.png", "error_queries.png", "report.html"}
COLUMNS = ["workload", "head", "config", "transform", "weights", "centring", "window", "clustering",
           "bits_per_element", "relative_error", "cosine", "kl", "top32"]
FIGURES = COLUMNS[8:]
TRANSFORMS = {"none", "greedy", "determinant", "whitening", "auto"}
PLAIN = {"fp16"} | {f"int{bits}-g{group}" for bits in (2, 3, 4) for group in (32, 128)}
SINKS, BLOCK, RECENT = 8, 128, 32


class Checker:
    def __init__(self, release):
        self.program = Path(release).resolve() / "aqpim"
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")

    def run(self, *arguments):
        result = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=400)
        self.check(f"exit code 0 of {' '.join(map(str, arguments))}", result.returncode == 0, result.stderr[-2000:])
        return result

    def near(self, what, reported, recomputed, tolerance=1e-6):
        self.check(what, math.isclose(float(reported), recomputed, rel_tol=tolerance, abs_tol=1e-9),
                   f"reported {reported}, recomputed {recomputed}")


def rows_of(folder):
    with (folder / "accuracy.csv").open() as file:
        return list(csv.DictReader(file))


def softmax(query, keys):
    scores = keys @ query / math.sqrt(query.size)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def largest(weights):
    return set(np.argsort(-weights, kind="stable")[:32])


def figures(workload, name, decoded_k, decoded_v, queries):
    """Means over query heads and queries of the four figures of a head."""
    q, k, v = (workload[f"{name}.{letter}"].astype(np.float64) for letter in "qkv")
    first_query = k.shape[0] - q.shape[1]
    results = []
    for t in queries:
        recent = SINKS + max(t + 1 - RECENT - SINKS, 0) // BLOCK * BLOCK
        mixed_k, mixed_v = k[:t + 1].copy(), v[:t + 1].copy()
        mixed_k[SINKS:recent] = decoded_k[:recent - SINKS]
        mixed_v[SINKS:recent] = decoded_v[:recent - SINKS]
        for group in range(q.shape[0]):
            query = q[group, t - first_query]
            exact, other = softmax(query, k[:t + 1]), softmax(query, mixed_k)
            o_exact, o = exact @ v[:t + 1], other @ mixed_v
            seen = exact > 0
            results.append((np.linalg.norm(o - o_exact) / np.linalg.norm(o_exact),
                            o @ o_exact / np.linalg.norm(o) / np.linalg.norm(o_exact),
                            np.sum(exact[seen] * np.log(exact[seen] / other[seen])),
                            len(largest(exact) & largest(other)) / 32))
    return np.mean(results, axis=0)


def integers(values, bits, axis):
    """Asymmetric integers with FP16 scale and FP16 zero, groups along `axis`."""
    low, high = values.min(axis, keepdims=True), values.max(axis, keepdims=True)
    scale = ((high - low) / (2**bits - 1)).astype(np.float16).astype(np.float64)
    zero = low.astype(np.float16).astype(np.float64)
    codes = np.divide(values - zero, scale, out=np.zeros_like(values), where=scale > 0)
    return zero + np.clip(np.rint(codes), 0, 2**bits - 1) * scale


def check_integers(checker, rows, path, name, queries, bits, group):
    workload = read_safetensors(path)
    k, v = (workload[f"{name}.{letter}"].astype(np.float64) for letter in "kv")
    tokens = (k.shape[0] - RECENT - SINKS) // BLOCK * BLOCK
    dim = k.shape[1]
    coded_k, coded_v = k[SINKS:SINKS + tokens], v[SINKS:SINKS + tokens]
    decoded_k = integers(coded_k.reshape(-1, group, dim), bits, 1).reshape(tokens, dim)
    decoded_v = integers(coded_v.reshape(tokens, -1, min(group, dim)), bits, 2).reshape(tokens, dim)
    config = f"int{bits}-g{group}"
    row, = (row for row in rows if row["head"] == name and row["config"] == config)
    expected = figures(workload, name, decoded_k, decoded_v, queries)
    for column, value in zip(FIGURES[1:], expected):
        checker.near(f"{config} of {name}: {column}", row[column], value)
    checker.near(f"{config} of {name}: bits_per_element", row["bits_per_element"],
                 bits + (32 / group + 32 / min(group, dim)) / 2)


def check_quantized(checker, rows, path, name, queries, folder, wanted):
    """The row that `wanted` describes, against the cache that `aqpim quantize` writes with the same options."""
    cache = folder / "cache.safetensors"
    options = ["--transform", wanted["transform"], "--clustering", wanted["clustering"], "--window", wanted["window"]]
    options += [flag for key, flag in (("weights", "--no-weights"), ("centring", "--no-centring"))
                if wanted[key] == "0"]
    checker.run("quantize", path, "-o", cache, "--config", wanted["config"], "--heads", name, *options)
    stored = {key[len(name) + 1:]: value for key, value in read_safetensors(cache).items()}
    decoded_k, decoded_v = decode(stored)
    row, = (row for row in rows if row["head"] == name and all(row[key] == value for key, value in wanted.items()))
    what = " ".join(wanted.values())
    for column, value in zip(FIGURES[1:], figures(read_safetensors(path), name, decoded_k, decoded_v, queries)):
        checker.near(f"{what}: {column}", row[column], value, 1e-5)
    elements = 2 * decoded_k.size
    code_bits = math.log2(stored["codebook_k"].shape[2])
    bits = (code_bits * (stored["codes_k"].size + stored["codes_v"].size)
            + 8 * (stored["codebook_k"].size + stored["codebook_v"].size)
            + (16 * stored["centers_k"].size if stored["center_block"][0] else 0))
    checker.near(f"{what}: bits_per_element", row["bits_per_element"], bits / elements)


def check_grid(checker, rows, path, configs):
    """Every combination once for each head."""
    combinations = {tuple(row[column] for column in COLUMNS[:8]) for row in rows}
    checker.check("no row twice", len(combinations) == len(rows))
    windows = {"0", "256", "512", "1024"}
    expected = {(str(path), head, config, transform, weights, centring, window, clustering)
                for head in ("l3.h0", "l12.h7") for config in configs for transform in TRANSFORMS
                for weights in "01" for centring in "01" for window in windows for clustering in ("fixed", "float")}
    expected |= {(str(path), head, config, "none", "0", "0", "0", "none")
                 for head in ("l3.h0", "l12.h7") for config in PLAIN}
    checker.check("a row for each head and variant", combinations == expected,
                  f"lacks {sorted(expected - combinations)[:3]}, has besides {sorted(combinations - expected)[:3]}")


def check_summaries(checker, rows, summaries):
    for summary in summaries:
        keys = {"weights": str(int(summary["weights"])), "centring": str(int(summary["centring"])),
                "window": str(summary["window"])} | {key: summary[key] for key in ("config", "transform", "clustering")}
        errors = [float(row["relative_error"]) for row in rows if all(row[key] == keys[key] for key in keys)]
        found = summary["relative_error"]
        if not (summary["heads"] == len(errors) and math.isclose(found["mean"], np.mean(errors))
                and math.isclose(found["median"], np.median(errors)) and found["worst"] == max(errors)):
            checker.check(f"summary of {keys}", False, f"{found} of {errors}")
            return
    checker.check("summaries are those of the rows", len(summaries) > 0)


def main():
    checker = Checker(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "unseen, \"quoted\".safetensors"
        unseen_workload(path, 64, 560, 2, 140, "F16")
        queries = [490 + (i + 1) * 70 // 3 - 1 for i in range(3)]
        out = folder / "out"
        out.mkdir()
        (out / "notes.txt").write_text("mine")
        (out / "accuracy.csv").write_text("older")
        configs = sorted(file.stem for file in (ROOT / "configs").glob("*.json")
                         if json.loads(file.read_text())["engine"]["HeadDim"] == 64)
        result = checker.run("accuracy", "--workload", path, "--queries", 3, "--out", out)
        checker.check("no progress lines without a terminal", result.stderr == "", result.stderr)
        checker.check("the files, and those of others left alone",
                      {file.name for file in out.iterdir()} == FILES | {"notes.txt"})
        for picture in ("error_bits.png", "error_queries.png"):
            checker.check(f"{picture} is a picture", (out / picture).read_bytes()[:4] == b"\x89PNG")
        rows = rows_of(out)
        checker.check("columns", list(rows[0]) == COLUMNS)
        check_grid(checker, rows, path, configs)
        check_summaries(checker, rows, json.loads((out / "accuracy.json").read_text())["summaries"])
        for bits, group in ((2, 32), (3, 128)):
            check_integers(checker, rows, path, "l12.h7", queries, bits, group)
        half = [row for row in rows if row["config"] == "fp16"]
        checker.check("FP16 loses nothing of a file in FP16", all(float(row["relative_error"]) < 1e-9 for row in half))
        smallest = min(configs)
        for transform, weights, centring, window, clustering in (
                ("whitening", "1", "1", "0", "fixed"), ("auto", "0", "1", "256", "fixed"),
                ("determinant", "1", "0", "256", "float")):
            check_quantized(checker, rows, path, "l3.h0", queries, folder,
                            {"config": smallest, "transform": transform, "weights": weights, "centring": centring,
                             "window": window, "clustering": clustering})

        page = folder / "page.md"
        page.write_text("before\n<!-- tables of aqpim accuracy: begin -->\nold\n"
                        "<!-- tables of aqpim accuracy: end -->\nafter\n")
        checker.run("accuracy", "--workload", path, "--queries", 3, "--variants", "standard", "--threads", 1,
                    "--out", folder / "standard", "--page", page)
        standard = rows_of(folder / "standard")
        checker.check("standard variants are rows of all, whatever the threads",
                      len(standard) == 2 * (len(configs) + len(PLAIN)) and all(row in rows for row in standard))
        text = page.read_text()
        tables = (folder / "standard" / "accuracy.md").read_text()
        checker.check("tables are put into a page", "old" not in text and tables in text
                      and text.startswith("before\n") and text.endswith("after\n"))
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
