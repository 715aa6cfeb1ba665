#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs of a committed workload and of unseen files, recomputed with numpy alone; and spoiled runs, which must fail.

    recompute_test.py RELEASE_TREE SANITIZE_TREE
"""
import contextlib
import io
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.dont_write_bytecode = True
import recompute  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
BYTES = {"F16": "<f2", "F32": "<f4", "U8": "u1", "I64": "<i8", "BF16": "<u2"}


def write_safetensors(path, tensors):
    """`tensors`: name -> (dtype, array of that format's bits)."""
    header, data = {}, b""
    for name, (dtype, array) in tensors.items():
        content = np.ascontiguousarray(array, BYTES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def to_bfloat16(values):
    """Bits of float32 values cut to bfloat16."""
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def set_outliers(queries, keys, values):
    """Keys that no query looks at, one that many do, long values, and a channel far from 0."""
    mean = queries.mean((0, 1))
    keys[60] = -1e4 * mean
    keys[100, 3] = 60 * np.sign(mean[3])
    keys[370] = -6e4 * mean
    values[240] = 50  # of a token that many queries look at
    values[380, 5] = -1e4
    keys[:, 7] += 1e5


def unseen_workload(path, head_dim, tokens, groups, query_tokens, dtype, change=lambda *_: None, queries_first=False):
    """Two heads of noise with a drift in the keys and a few tokens that attract the queries."""
    noise = np.random.default_rng(head_dim + tokens)
    encode = {"F32": lambda x: x, "F16": lambda x: x.astype("<f2"), "BF16": to_bfloat16}[dtype]
    tensors = {}
    for name in ("l3.h0", "l12.h7"):
        drift = np.sin(np.arange(tokens)[:, None] / 50 + np.arange(head_dim))
        keys = noise.standard_normal((tokens, head_dim)) + 2 * drift
        queries = noise.standard_normal((groups, query_tokens, head_dim)) + keys[17] / 2 + keys[tokens // 2] / 2
        values = noise.standard_normal((tokens, head_dim))
        change(queries, keys, values)
        tensors[f"{name}.k"] = (dtype, encode(keys))
        tensors[f"{name}.v"] = (dtype, encode(values))
        tensors[f"{name}.q"] = (dtype, encode(queries.transpose(1, 0, 2) if queries_first else queries))
    write_safetensors(path, tensors)


def verdict(run, workload):
    """None if recompute accepts the run, else its sentence."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            recompute.main([str(run), str(workload)])
    except recompute.CheckFailed as problem:
        return str(problem)
    return None


def spoil_tensor(run, suffix, change):
    path = run / "outputs.safetensors"
    tensors = recompute.read_safetensors(path)
    names = {np.uint8: "U8", np.int64: "I64", np.float32: "F32"}
    name = min(name for name in tensors if name.endswith(suffix))
    tensors[name] = change(tensors[name].copy())
    write_safetensors(path, {key: (names[value.dtype.type], value) for key, value in tensors.items()})


def spoil_report(run):
    path = run / "report.json"
    report = json.loads(path.read_text())
    report["accuracy"]["relative_error"] *= 1.01
    path.write_text(json.dumps(report))


SPOILERS = {
    "outputs that are 5 % too large": lambda run: spoil_tensor(run, ".o", lambda o: o * np.float32(1.05)),
    "codes moved by a token": lambda run: spoil_tensor(run, ".codes_k", lambda codes: np.roll(codes, 1, 0)),
    "a value codebook in another order": lambda run: spoil_tensor(run, ".codebook_v", lambda book: book[:, :, ::-1]),
    "another channel order": lambda run: spoil_tensor(run, ".transform_v", lambda matrix: np.roll(matrix, 1, 0)),
    "a first_recent too late": lambda run: spoil_tensor(run, ".first_recent", lambda first: first + 128),
    "a report that is 1 % off": spoil_report,
}


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def count(self, what, problem):
        if problem:
            self.failed += 1
            print(f"{what}: {problem}")
        else:
            self.passed += 1


def simulate(program, workload, out, *options):
    """Folders of results, one per configuration."""
    result = subprocess.run([program, "sim", "--workload", workload, "--out", out, *options],
                            capture_output=True, text=True, timeout=480)
    if result.returncode != 0:
        return [], f"exit code {result.returncode}: {result.stderr[-2000:]}"
    return sorted(path.parent for path in Path(out).rglob("outputs.safetensors")), None


def main():
    program = Path(sys.argv[1]).resolve() / "aqpim"
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Attention is diffuse in this capture, so that every encoded token counts. sim_test.py has the others.
        diffuse = ROOT / "workloads" / "smollm2_prose_2k.safetensors"
        workloads = {diffuse.stem: diffuse}
        for stem, *shape in (("one_query_head", 64, 400, 1, 40, "F32"), ("bfloat16", 128, 700, 3, 700, "BF16"),
                             ("outliers", 64, 480, 2, 160, "F32", set_outliers)):
            workloads[stem] = folder / f"{stem}.safetensors"
            unseen_workload(workloads[stem], *shape, queries_first=stem == "bfloat16")
        runs = []
        for stem, workload in workloads.items():
            # One with matrices in its transform for certain; the others choose.
            options = {"one_query_head": ["--transform", "whitening"], "bfloat16": ["--queries-first"]}.get(stem, [])
            found, problem = simulate(program, workload, folder / stem, "--queries", "4", *options)
            tally.count(f"{stem}: aqpim sim", problem)
            for run in found:
                tally.count(f"{stem}: {run.name}", verdict(run, workload))
            if workload == diffuse:
                runs += [(run, workload) for run in found]
            if stem == "outliers" and found:
                exact = recompute.read_safetensors(found[0] / "outputs.safetensors")["l3.h0.exact"]
                tally.count("outliers are named", None if list(exact) == [60, 100, 240, 370, 380] else str(exact))
                spoil_tensor(found[0], ".exact", lambda exact: exact[exact != 240])
                tally.count("an outlier that is not named", None if verdict(found[0], workload) else "was accepted")
        for what, spoil in SPOILERS.items():
            if not runs:
                tally.count(what, "there is no run to spoil")
                continue
            run, workload = runs[0]
            spoiled = folder / "spoiled"
            shutil.rmtree(spoiled, ignore_errors=True)
            shutil.copytree(run, spoiled)
            spoil(spoiled)
            tally.count(what, None if verdict(spoiled, workload) else "was accepted")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return int(tally.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
