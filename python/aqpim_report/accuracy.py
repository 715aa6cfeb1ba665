# SPDX-License-Identifier: Apache-2.0
"""`aqpim accuracy`: accuracy.csv, accuracy.md, error_bits.png, error_queries.png."""
from collections import Counter
from pathlib import Path

from aqpim_report import pictures as draw
from aqpim_report.text import Command, Heading, Paragraph, Picture, Table, facts, markdown, to_csv, wrapped

VARIANT = ["config", "transform", "weights", "centring", "window", "clustering"]
OPTIONS = {"transform": str, "weights": lambda on: "on" if on else "off", "centring": lambda on: "on" if on else "off",
           "window": lambda window: str(window or "shared"), "clustering": str}


def is_plain(variant):
    """Integers or FP16."""
    return variant["clustering"] == "none"


def files(run):
    return {"accuracy.csv": to_csv(["workload", "head", *VARIANT, "bits_per_element", "relative_error", "cosine", "kl",
                                    "top32"], run.data["rows"]),
            "accuracy.md": markdown(tables(run))}


def pictures(run):
    return {"error_bits.png": lambda: draw.error_bits(_bits_panels(run.data)),
            "error_queries.png": lambda: draw.error_queries(_query_panels(run.data))}


def _bits_panels(data):
    """Of each dimension: title, integers by group, and of each configuration all variants and the standard ones; points
    are (bits, error, name)."""
    heads = Counter(head["head_dim"] for head in data["heads"])
    for dim in sorted({summary["head_dim"] for summary in data["summaries"]}):
        integers, coded, standard = {}, {}, {}
        for summary in (each for each in data["summaries"] if each["head_dim"] == dim):
            config = summary["config"]
            point = (summary["bits_per_element"], summary["relative_error"]["mean"], config)
            _, _, group = config.partition("-g")
            if not is_plain(summary):
                coded.setdefault(config, []).append(point)
                standard.setdefault(config, []).extend([point] * summary["standard"])
            elif group:
                integers.setdefault(f"integers, groups of {group}", []).append(point)
        # By the text of the group, as names are.
        yield f"D = {dim}, {heads[dim]} {'head' if heads[dim] == 1 else 'heads'}", dict(sorted(integers.items())), coded, standard


def _query_panels(data):
    """Of each head: title, and points (token, error) of integers in groups of 32 and of standard configurations."""
    for head in data["heads"]:
        plain, coded = {}, {}
        for row in data["rows"]:
            if not row["standard"] or (row["workload"], row["head"]) != (head["workload"], head["name"]):
                continue
            points = list(zip(row["query_errors"]["token"], row["query_errors"]["relative_error"]))
            if not is_plain(row):
                coded[row["config"]] = points
            elif row["config"].endswith("-g32"):
                plain[row["config"]] = points
        yield f"{head['name']} of {_stem(head['workload'])}", plain, coded


def _stem(path):
    """As aqpim::workload::stem()."""
    name = Path(path).name
    for ending in (".json", ".index", ".safetensors"):
        name = name.removesuffix(ending) or name
    return name


def _caches(summaries):
    """Standard variants and what they are compared with, by bits."""
    rows = sorted((row for row in summaries if row["standard"]), key=lambda row: -row["bits_per_element"])
    return Table(["cache", "bits per element", "error: mean", "median", "worst head", "cosine", "KL, nats", "top 32 kept"],
                 [[row["config"] if is_plain(row) else f"**{row['config']}**", f"{row['bits_per_element']:.3f}",
                   *(f"{row['relative_error'][key]:.4f}" for key in ("mean", "median", "worst")),
                   f"{row['cosine']['mean']:.5f}", f"{row['kl']['mean']:.4f}", f"{100 * row['top32']['mean']:.1f} %"]
                  for row in rows])


def _options(summaries):
    """One option at a time, the others as the configuration has them."""
    rows = []
    for standard in (row for row in summaries if row["standard"] and not is_plain(row)):
        for option, name_of in OPTIONS.items():
            varied = [row for row in summaries if all(row[key] == standard[key] for key in VARIANT if key != option)]
            if len(varied) < 2:
                continue
            for row in varied:
                name, error = name_of(row[option]), row["relative_error"]
                rows.append([
                    row["config"], option, f"**{name}**" if row[option] == standard[option] else name,
                    f"{row['bits_per_element']:.3f}",
                    # One head is its own worst.
                    f"{error['mean']:.4f}" + (f" / {error['worst']:.4f}" if row["heads"] > 1 else ""),
                    f"{row['kl']['mean']:.4f}", f"{100 * row['top32']['mean']:.1f} %"])
    return Table(["configuration", "option", "value", "bits per element", "error: mean / worst head", "KL, nats",
                  "top 32 kept"], rows)


def _shapes(heads):
    """Of the heads of a dimension, workload by workload."""
    parts = []
    for workload in sorted({head["workload"] for head in heads}):
        members = [head for head in heads if head["workload"] == workload]
        shapes = sorted({f"{head['tokens']} tokens, prefill {head['prefill']}, {head['query_heads']} query heads with "
                         f"{len(head['query_tokens'])} queries each" for head in members})
        parts.append(f"{_stem(workload)}: {len(members)} {'head' if len(members) == 1 else 'heads'} ({'; '.join(shapes)})")
    return ". ".join(parts)


def tables(run):
    data = run.data
    found = [Paragraph(wrapped(f"From `{data['run']['command']}`: {len(data['rows'])} rows of `accuracy.csv`."))]
    for dim in sorted({summary["head_dim"] for summary in data["summaries"]}):
        summaries = [summary for summary in data["summaries"] if summary["head_dim"] == dim]
        options = _options(summaries)
        found += [Heading(f"D = {dim}", 3),
                  Paragraph(_shapes([head for head in data["heads"] if head["head_dim"] == dim]) + "."),
                  _caches(summaries), *([options] if options.rows else [])]
    return found


def terminal(runs):
    return "".join(markdown(tables(run)) for run in runs)


def blocks(run):
    return [Heading("Attention error of caches", 2), *tables(run), Picture("error_bits.png", "Error by bits per element"),
            Picture("error_queries.png", "Error by token of the query"),
            Heading("Workloads"), *(facts(workload) for workload in run.data["workloads"]),
            Heading("How to reproduce"), Command(run.data["run"]["command"])]
