#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes the outputs of a run from its codes and codebooks, with numpy and nothing of ours.

    recompute.py RUN_DIRECTORY WORKLOAD

RUN_DIRECTORY holds outputs.safetensors and report.json of `aqpim sim`, WORKLOAD is the file it played.
Three things are checked, in double precision:
  - o recomputed from the stored codes, codebooks and centres differs from the stored o by at most
    1 % of its norm on average and 4 % for the worst query;
  - the relative_error of each head against exact attention, taken from the stored o, is the one in
    report.json to three digits, and so is the mean over heads;
  - the tensors have the documented shapes and the regions of tokens fit together.
Exit code 0 if all of that holds, 1 with one sentence if not.
"""

import json
import math
import os
import struct
import sys

import numpy as np

MEAN_BOUND = 0.01
WORST_BOUND = 0.04

NUMPY_TYPES = {
    "U8": np.uint8, "I8": np.int8, "I32": np.int32, "I64": np.int64,
    "F16": np.float16, "F32": np.float32, "F64": np.float64,
}


class CheckFailed(Exception):
    """What does not hold, as a sentence."""


def read_safetensors(path):
    """Tensors of a safetensors file by name, as numpy arrays."""
    with open(path, "rb") as file:
        data = file.read()
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + header_bytes])
    body = data[8 + header_bytes:]
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        raw = body[begin:end]
        if info["dtype"] == "BF16":
            wide = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            array = wide.view(np.float32)
        else:
            array = np.frombuffer(raw, NUMPY_TYPES[info["dtype"]])
        tensors[name] = array.reshape(info["shape"])
    return tensors


def softmax_output(query, keys, values):
    scores = keys @ query / math.sqrt(query.size)
    weights = np.exp(scores - scores.max())
    return weights @ values / weights.sum()


def lookup(codebook, windows, codes):
    """[N, D] vectors that codes [N, M] stand for in codebook [W, M, K, Dsub]."""
    subspaces = np.arange(codes.shape[1])
    return codebook[windows[:, None], subspaces[None, :], codes].reshape(codes.shape[0], -1)


def decode(outputs):
    """Keys and values [N, D] of the encoded tokens, in the channel order of the workload."""
    codes_k = outputs["codes_k"].astype(np.int64)
    codes_v = outputs["codes_v"].astype(np.int64)
    codebook_k = outputs["codebook_k"].astype(np.float64)
    codebook_v = outputs["codebook_v"].astype(np.float64)
    i = np.arange(codes_k.shape[0])
    windows = np.minimum(i // int(outputs["window"][0]), codebook_k.shape[0] - 1)
    keys = lookup(codebook_k, windows, codes_k)
    values = lookup(codebook_v, windows, codes_v)
    center_block = int(outputs["center_block"][0])
    if center_block:
        keys = keys + outputs["centers_k"].astype(np.float64)[i // center_block]
    # x' = transform x, so x = transform^-1 x'.
    keys = np.linalg.solve(outputs["transform_k"].astype(np.float64), keys.T).T
    values = np.linalg.solve(outputs["transform_v"].astype(np.float64), values.T).T
    return keys, values


def check_head(name, run, workload, queries_first):
    """Relative differences of o to its recomputation, and errors against exact attention."""
    outputs = {key[len(name) + 1:]: value for key, value in run.items() if key.startswith(name + ".")}
    q = workload[name + ".q"].astype(np.float64)
    if queries_first:
        q = q.transpose(1, 0, 2)
    k = workload[name + ".k"].astype(np.float64)
    v = workload[name + ".v"].astype(np.float64)
    first_query = k.shape[0] - q.shape[1]
    sinks = int(outputs["sinks"][0])
    o = outputs["o"].astype(np.float64)
    if o.shape != (q.shape[0], outputs["queries"].size, k.shape[1]):
        raise CheckFailed(f"{name}.o has the shape {o.shape}, not [G, Q, D]")
    decoded_k, decoded_v = decode(outputs)
    exact_tokens = outputs.get("exact", np.zeros(0, np.int64))

    differences, errors = [], []
    for index, (t, recent) in enumerate(zip(outputs["queries"], outputs["first_recent"])):
        if not sinks <= recent <= max(sinks, t - 31):
            raise CheckFailed(f"{name}: first_recent of token {t} is {recent}")
        mixed_k, mixed_v = k[:t + 1].copy(), v[:t + 1].copy()
        exact = exact_tokens[exact_tokens <= t]
        mixed_k[sinks:recent] = decoded_k[:recent - sinks]
        mixed_v[sinks:recent] = decoded_v[:recent - sinks]
        mixed_k[exact], mixed_v[exact] = k[exact], v[exact]
        for group in range(q.shape[0]):
            query = q[group, t - first_query]
            again = softmax_output(query, mixed_k, mixed_v)
            exact = softmax_output(query, k[:t + 1], v[:t + 1])
            stored = o[group, index]
            differences.append(np.linalg.norm(again - stored) / np.linalg.norm(stored))
            errors.append(np.linalg.norm(stored - exact) / np.linalg.norm(exact))
    return np.array(differences), float(np.mean(errors))


def require_three_digits(what, reported, recomputed):
    # Half a unit of the third significant digit, and a little for numbers that round apart.
    if abs(reported - recomputed) > 0.00051 * 10 ** math.ceil(math.log10(max(recomputed, 1e-12))):
        raise CheckFailed(f"{what}: reported {reported:.6g}, recomputed {recomputed:.6g}")


def reported_error(entry):
    return entry["relative_error"] if "relative_error" in entry else entry["accuracy"]["relative_error"]


def main(arguments):
    if len(arguments) != 2:
        raise CheckFailed("usage: recompute.py RUN_DIRECTORY WORKLOAD")
    directory, workload_path = arguments
    run = read_safetensors(os.path.join(directory, "outputs.safetensors"))
    workload = read_safetensors(workload_path)
    with open(os.path.join(directory, "report.json"), encoding="utf-8") as file:
        report = json.load(file)

    names = sorted(key[:-2] for key in run if key.endswith(".o"))
    if not names:
        raise CheckFailed("outputs.safetensors holds no outputs")
    reports = {entry["name"]: entry for entry in report["heads"]}
    if sorted(reports) != names:
        raise CheckFailed(f"report.json has the heads {sorted(reports)}, outputs.safetensors {names}")

    means, worst, errors = [], 0.0, []
    for name in names:
        differences, error = check_head(name, run, workload, report["workload"]["queries_first"])
        print(f"{name}: {differences.size} outputs, difference mean {differences.mean():.5f} "
              f"worst {differences.max():.5f}, relative error {error:.5f}")
        require_three_digits(f"relative_error of {name}", reported_error(reports[name]), error)
        means.extend(differences)
        worst = max(worst, differences.max())
        errors.append(error)
    mean = float(np.mean(means))
    print(f"all: difference mean {mean:.5f} worst {worst:.5f}, "
          f"relative error {np.mean(errors):.5f}")
    require_three_digits("accuracy.relative_error", report["accuracy"]["relative_error"],
                         float(np.mean(errors)))
    if not mean <= MEAN_BOUND:
        raise CheckFailed(f"the outputs differ by {mean:.2%} on average, allowed are {MEAN_BOUND:.0%}")
    if not worst <= WORST_BOUND:
        raise CheckFailed(f"the worst output differs by {worst:.2%}, allowed are {WORST_BOUND:.0%}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (CheckFailed, OSError, KeyError, ValueError, struct.error) as problem:
        what = f"there is no {problem}" if isinstance(problem, KeyError) else problem
        sys.exit(f"recompute.py: {what}")
