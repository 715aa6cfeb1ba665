# SPDX-License-Identifier: Apache-2.0
"""`aqpim channel`: report.csv, timeline.png, tables of heads and of columns."""
from aqpim_report import pictures as draw
from aqpim_report.sim import ACCURACY, accuracy_table, origin, workload_name
from aqpim_report.text import Heading, Paragraph, Picture, Table, facts, to_csv


def _phases(run):
    return list(run.data["heads"][0]["phases"]) if run.data["heads"] else []


def files(run):
    columns = [("head", lambda head: head["name"]), "rank", "tokens", "query_heads", "prefill", "encoded", "windows",
               "queries", "attends",
               *((key, lambda head, key=key: head["equality_with_software"][key]) for key in ("compared", "mismatches")),
               "flags",
               *((f"cycles_{phase}", lambda head, phase=phase: head["phases"][phase]["cycles"]) for phase in _phases(run)),
               *((key, lambda head, key=key: head["accuracy"][key]) for key in ACCURACY)]
    return {"report.csv": to_csv(columns, run.data["heads"])}


def pictures(run):
    timeline = run.data["timeline"]
    return {"timeline.png": lambda: draw.timeline(**timeline)} if timeline else {}


def _columns(run):
    """Rank, phase and figures of the columns that there were."""
    return [(rank, phase, figures) for rank, phases in enumerate(run.data["columns"]) for phase, figures in phases.items()
            if figures["columns"] > 0]


def terminal(runs):
    return "".join(map(_terminal, runs))


def _terminal(run):
    data = run.data
    of_phase = "commands" if data["channel"]["played_on"] == "golden model" else "cycles"
    lines = [f"  {'rank':<4} {'head':<8} {'tokens':>6} {'encoded':>7} {'queries':>7} {'attends':>7} "
             + "".join(f" {phase:>9}" for phase in _phases(run))
             + f"  {'rel.err':>7} {'cosine':>7} {'float':>7} {'adds':>9}"]
    for head in data["heads"]:
        accuracy = head["accuracy"]
        queries = f"{head['query_heads']}x{head['queries']}"
        lines.append(f"  {head['rank']:<4} {head['name']:<8} {head['tokens']:>6} {head['encoded']:>7} {queries:>7} "
                     f"{head['attends']:>7} " + "".join(f" {phase[of_phase]:>9}" for phase in head["phases"].values())
                     + "  " + " ".join(f"{accuracy[key]:>7.5f}" for key in ACCURACY[:3])
                     + f" {100 * accuracy['fixed_point_added']:>+7.2f} %")
    if data["columns"]:
        lines.append(f"  {'rank':<4} {'columns for':<10} {'columns':>9} {'memory cycles':>13} {'refreshes':>9} "
                     f"{'least allowed':>13} {'delivered':>9} {'refreshes aside':>15}")
    for rank, phase, figures in _columns(run):
        line = f"  {rank:<4} {phase:<11} {figures['columns']:>9} {figures['memory_cycles']:>13} {figures['refreshes']:>9}"
        if figures["least_memory_cycles"] is not None:
            line += (f" {figures['least_memory_cycles']:>13} {100 * figures['delivered']:>7.1f} % "
                     f"{100 * figures['delivered_refresh_aside']:>13.1f} %")
        lines.append(line)
    return "\n".join(lines) + "\n"


def blocks(run):
    data = run.data
    heads = data["heads"]
    differ = sum(head["equality_with_software"]["mismatches"] for head in heads)
    bytes_compared = sum(head["equality_with_software"]["compared"] for head in heads)
    delivered = [[str(rank), phase, str(figures["columns"]), str(figures["memory_cycles"]), str(figures["refreshes"]),
                  *("" if figures[key] is None else f"{100 * figures[key]:.1f} %"
                    for key in ("delivered", "delivered_refresh_aside"))] for rank, phase, figures in _columns(run)]
    return [
        Heading(f"{data['config']['name']} on {workload_name(run)}", 2),
        Heading("Equality"),
        Paragraph(f"{bytes_compared} bytes of codebooks and codes were compared with software's, {differ} differ; "
                  f"{data['compared_with_golden']} answers, beats and bytes of the memory equal the golden model's."),
        Heading("Accuracy"), accuracy_table(heads),
        Heading("Cycles that the host waited"),
        Table(["head", "rank", *_phases(run)],
              [[head["name"], str(head["rank"]), *(str(phase["cycles"]) for phase in head["phases"].values())]
               for head in heads]),
        *([Heading("Columns"), Table(["rank", "columns for", "columns", "memory cycles", "refreshes", "delivered",
                                      "refreshes aside"], delivered)] if delivered else []),
        Picture("timeline.png", "The first queries"),
        Heading("Channel"), facts(data["channel"] | {"DRAM commands": data["dram_commands"]}),
        *origin(run)]
