# SPDX-License-Identifier: Apache-2.0
"""`aqpim sim`: report.csv, attention.png, the table of all runs."""
from pathlib import Path

from aqpim_report import pictures as draw
from aqpim_report import runs as files_of
from aqpim_report.text import Command, Heading, Paragraph, Picture, Table, cell, facts, to_csv

PHASES = {"cluster": "clus", "encode": "enc", "table": "tab", "score": "sco", "accumulate": "acc", "combine": "com"}
OPERATIONS = list(PHASES)[2:]
ACCURACY = ["relative_error", "cosine", "pq_relative_error", "pq_cosine", "fixed_point_added", "fixed_point_distance"]


def prefill_cycles(figures):
    """Of clustering and encoding, of a head or a run."""
    return sum(figures["phases"][phase]["cycles"] for phase in ("cluster", "encode"))


COLUMNS = [
    ("head", lambda head: head["name"]), "tokens", "head_dim", "query_heads", "prefill", "encoded", "windows", "queries",
    *((key, lambda head, key=key: head["equality"][key]) for key in ("compared", "mismatches")), "flags",
    *((key, lambda head, key=key: head["engine"][key]) for key in ("cycles", "words")),
    ("prefill_cycles", prefill_cycles),
    *((f"utilization_{phase}", lambda head, phase=phase: head["phases"][phase]["utilization"])
      for phase in ("cluster", "encode")),
    *((f"utilization_{name}", lambda head, name=name: head["engine"]["utilization"][name]) for name in OPERATIONS),
    *((name, lambda head, key=key: head["cache"][key])
      for name, key in (("cache_bytes", "bytes"), ("cache_ratio", "ratio"), ("bits_per_element", "bits_per_element"))),
    *ACCURACY]


def files(run):
    return {"report.csv": to_csv(COLUMNS, run.data["heads"])}


def workload_name(run):
    return Path(run.data["workload"]["file"]).name


def pictures(run):
    return {"attention.png": lambda: draw.attention(
        f"{run.data['config']['name']}: attention of {workload_name(run)}", run.data["heads"])}


def _rows(run):
    """The figures of each head, and of the run if it has several."""
    heads = run.data["heads"]
    rows = [(head["name"], head["tokens"], f"{head['query_heads']}x{head['queries']}", head) for head in heads]
    if len(heads) > 1:
        rows.append(("all", sum(head["tokens"] for head in heads),
                     str(sum(head["query_heads"] * head["queries"] for head in heads)), run.data))
    return rows


def _utilization(phase):
    return "-" if phase["utilization"] is None else f"{phase['utilization']:.2f}"


def terminal(runs):
    """A row per head and configuration, workload by workload."""
    lines = ["", f"{'':<39}{'values':>15}{'engine cycles':>19}  {'utilization':^29}  {'RTL':^15} {'floating-point':^15} "
             f"{'fixed pt.':>9}",
             f"{'config':<8} {'head':<7} {'tokens':>6} {'queries':>7} {'compared':>8} {'differ':>6} {'prefill':>9} "
             f"{'decode':>8}  {' '.join(f'{name:>4}' for name in PHASES.values())}  {'rel.err':>7} {'cosine':>7} "
             f"{'rel.err':>7} {'cosine':>7} {'adds':>9}"]
    for workload in dict.fromkeys(run.data["workload"]["file"] for run in runs):
        lines.append(workload)
        for run in (run for run in runs if run.data["workload"]["file"] == workload):
            for name, tokens, queries, figures in _rows(run):
                equality, accuracy = figures["equality"], figures["accuracy"]
                lines.append(
                    f"{run.data['config']['name']:<8} {name:<7} {tokens:>6} {queries:>7} {equality['compared']:>8} "
                    f"{equality['mismatches']:>6} {prefill_cycles(figures):>9} {figures['engine']['cycles']:>8}  "
                    + " ".join(f"{_utilization(figures['phases'][phase]):>4}" for phase in PHASES)
                    + "  " + " ".join(f"{accuracy[key]:>7.5f}" for key in ACCURACY[:4])
                    + f" {100 * accuracy['fixed_point_added']:>+7.2f} %")
    return "\n".join(lines) + "\n"


def equality_block(compared, mismatches):
    verdict = "all equal the golden model's" if mismatches == 0 else f"**{mismatches} differ** from the golden model's"
    return Paragraph(f"{compared} values of the RTL were compared; {verdict}.")


def accuracy_table(heads):
    return Table(["head", *ACCURACY], [[head["name"], *(f"{head['accuracy'][key]:.5f}" for key in ACCURACY)]
                                       for head in heads])


def origin(run):
    """The last blocks of a page: what was simulated, and how to get it again."""
    data = run.data
    return [Heading("Configuration"), Paragraph(data["config"]["description"]),
            facts(data["config"]["engine"] | data["config"]["cache"]),
            Heading("Options and workload"),
            facts({"seed": data["seed"]} | data["options"] | {"workload": data["workload"]}),
            Heading("How to reproduce"), Command(data["run"]["command"]),
            Paragraph(f"`aqpim` {data['run']['version']}; figures: `{run.path.name}` beside this page or below.")]


def blocks(run):
    data = run.data
    phases = data["phases"]
    area = [[area["library"], f"{area['area']:.0f}", area.get("area_unit", "um2"), "met" if area["target_met"] else "missed"]
            for area in files_of.areas("pq_engine", data["config"]["name"])]
    return [
        Heading(f"{data['config']['name']} on {workload_name(run)}", 2),
        Heading("Equality"), equality_block(**data["equality"]),
        Heading("Accuracy"), accuracy_table([head for _, _, _, head in [(*row[:3], row[3] | {"name": row[0]})
                                                                       for row in _rows(run)]]),
        Heading("Cycles"),
        Table(["phase", "engine cycles", "words", "utilization"],
              [[phase, cell(phases[phase]["cycles"]), cell(phases[phase]["words"]), _utilization(phases[phase])]
               for phase in PHASES]),
        Heading("Cache"), facts(data["cache"]),
        *([Heading("Area of an engine"), Table(["library", "area", "unit", "target clock"], area)] if area else []),
        Picture("attention.png", "Attention and errors"),
        *origin(run)]
