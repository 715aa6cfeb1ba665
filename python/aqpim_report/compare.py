# SPDX-License-Identifier: Apache-2.0
"""`aqpim compare`: compare.csv, charged.csv, energy.csv, measured.csv, compare.md, speedup.png, cycles.png."""
from aqpim_report import pictures as draw
from aqpim_report.text import Command, Heading, Paragraph, Picture, Table, formatted, markdown, to_csv, tokens, wrapped

START = ["config", "banks_per_engine", "power_limited", "memory", "L", "heads"]
SPENT = {"tokens": "columns of SCORE and ACCUMULATE", "codebooks": "columns of TABLE and COMBINE", "rows": "row switches",
         "power": "power limit", "refresh": "refresh", "engines": "engines turn around",
         "transfers": "queries and results", "bus": "waiting for the bus"}
LONG = 4096  # tokens from which on the token loops are what takes time, of every design


def _each(spec, *keys):
    return [formatted(key, spec) for key in keys]


def files(run):
    data = run.data
    nano = [(f"{part}_nj", lambda row, part=part: f"{row[f'{part}_pj'] * 1e-3:.3f}")
            for part in ("activation", "columns", "arithmetic", "total")]
    texts = {
        "compare.csv": to_csv([*START, *_each(".0f", "cycles"), "latency_cycles", *_each(".0f", "attacc_cycles"),
                               *_each(".3f", "speedup"), *_each(".0f", "fp16_limit_cycles", "code_limit_cycles")],
                              data["rows"]),
        "charged.csv": to_csv([*START, *_each(".0f", "cycles", "attacc_cycles"), *_each(".3f", "speedup"),
                               *_each(".0f", "activate_cycles", "attacc_activate_cycles", "attacc_softmax_cycles",
                                      "append_cycles", "attacc_append_cycles")], data["charged"]),
        "energy.csv": to_csv(["config", "banks_per_engine", "L", "part", *nano], data["energy"]),
        "compare.md": markdown(tables(run))}
    if data["measured"]:
        texts["measured.csv"] = to_csv(
            [*START, *_each(".1f", "cycles"), "latency_cycles", *_each(".3f", "speedup"), *_each(".1f", "model_cycles"),
             *_each(".2f", "error_percent"), "model_latency_cycles", *_each(".2f", "latency_error_percent"), "attends",
             *_each(".1f", "refresh_intervals"), *_each(".4f", "score_delivered", "accumulate_delivered"), "compared"],
            data["measured"])
    return texts


class Rows:
    """The rows of a comparison by what they are of."""

    def __init__(self, data):
        self.data = data
        self.designs = list(dict.fromkeys(row["design"] for row in data["rows"]))
        self.lengths = sorted({row["L"] for row in data["rows"]})
        self.heads = sorted({row["heads"] for row in data["rows"]})
        self.most = self.heads[-1]
        self.longest = self.lengths[-1]
        self.shown = [length for length in self.lengths if length in (LONG, self.longest)]

    def of(self, kind, **wanted):
        """The rows of a kind that have these values, in the order of the designs."""
        return [row for row in self.data[kind] if all(row[key] == value for key, value in wanted.items())]

    def most_heads(self, length, limited=True):
        return self.of("rows", L=length, heads=self.most, power_limited=limited)

    def by_design(self, first, rows):
        return Table([*first, *(f"**{design}**" for design in self.designs)], rows)


def _limit(limited):
    return "power limited" if limited else "without power limit"


def _speedups(rows, limited):
    lines = []
    for length in rows.lengths:
        found = rows.most_heads(length, limited)
        any_ = found[0]
        lines.append([tokens(length), f"{any_['attacc_cycles']:.0f}", f"{any_['fp16_limit_cycles']:.0f}",
                      f"{any_['attacc_cycles'] / any_['code_limit_cycles']:.2f}",
                      *(f"{row['speedup']:.2f} ({row['cycles']:.0f})" for row in found)])
    return rows.by_design(["L", "AttAcc", "FP16 limit", "code limit"], lines)


def _latencies(rows):
    return rows.by_design(["L"], [[tokens(length), *(f"{row['latency_cycles']:.0f}" for row in rows.most_heads(length))]
                                  for length in rows.lengths])


def _by_heads(rows):
    lines = []
    for heads in rows.heads:
        found = rows.of("rows", L=rows.longest, heads=heads, power_limited=True)
        lines.append([str(heads), f"{found[0]['attacc_cycles']:.0f}", *(f"{row['speedup']:.2f}" for row in found)])
    return rows.by_design(["heads", "AttAcc, cycles"], lines)


def _by_group(rows):
    groups = dict.fromkeys(row["group"] for row in rows.data["grouped"])
    return rows.by_design(["query heads per cached head"],
                          [[str(group), *(f"{row['speedup']:.2f} ({row['ranks']} ranks)"
                                          for row in rows.of("grouped", group=group))] for group in groups])


def _charged(rows):
    lines, attacc = [], []
    for length in rows.lengths:
        found = rows.of("charged", L=length, power_limited=True)
        lines.append([tokens(length), *(f"{row['speedup']:.2f} ({row['activate_cycles']:+.0f} {row['append_cycles']:+.0f})"
                                        for row in found)])
        attacc.append([tokens(length), *(f"{found[0][key]:.0f}" for key in (
            "attacc_cycles", "attacc_activate_cycles", "attacc_softmax_cycles", "attacc_append_cycles"))])
    return [rows.by_design(["L"], lines),
            Table(["L", "AttAcc, cycles", "of it activates", "of it softmax", "of it append"], attacc)]


def _spent(rows, length):
    found = rows.most_heads(length)
    return rows.by_design(["cycles of a rank"], [
        *([name, *(f"{row['spent'][key]:.0f}" for row in found)] for key, name in SPENT.items()),
        ["data bus in use", *(f"{100 * row['bus_share']:.0f} %" for row in found)]])


def _energy(rows):
    energies = rows.of("energy", L=rows.longest)
    parts = list(dict.fromkeys(row["part"] for row in energies))
    named = [(part, part, "total") for part in parts] + [
        (f"of all: {name}", "all", key) for name, key in (
            ("activates", "activation"), ("columns and transfers", "columns"), ("arithmetic", "arithmetic"))]
    lines = [[name, *(f"{row[f'{key}_pj'] * 1e-6:.2f}" for row in energies if row["part"] == part)]
             for name, part, key in named]
    total = [row["total_pj"] for row in energies if row["part"] == "all"]
    return rows.by_design(["µJ per query head", "AttAcc"],
                          [*lines, ["AttAcc / this", "", *(f"{total[0] / one:.2f}" for one in total[1:])]])


def _area(rows):
    """Speed-up per area of the designs that have one."""
    areas = {area["name"]: area for area in rows.data["areas"]}
    lines = []
    for row in rows.most_heads(rows.longest):
        area = areas.get(row["config"] + "-2banks" * (row["banks_per_engine"] == 2))
        if area is None:
            continue
        ratio = area["all"] / area["fp16_unit"]
        speedups = [found["speedup"] for length in rows.shown
                    for found in rows.most_heads(length) if found["design"] == row["design"]]
        lines.append([row["design"] + ("" if area["target_met"] else " (misses the clock)"),
                      *(f"{area[key]:.0f}" for key in ("engines", "all", "fp16_unit")), f"{ratio:.2f}",
                      *(f"{speedup / ratio:.2f}" for speedup in speedups)])
    return Table(["design", "engines", "channel", "FP16 unit", "ratio",
                  *(f"speed-up / ratio, L = {length}" for length in rows.shown)], lines)


def _measured(rows):
    measured = rows.data["measured"]
    lines = [[row["design"], "yes" if row["power_limited"] else "no", str(row["L"]), f"{row['cycles']:.0f}",
              f"**{row['speedup']:.2f}**", str(row["attends"]), f"{row['refresh_intervals']:.1f}",
              f"{row['model_cycles']:.0f}", f"{row['error_percent']:+.2f}", str(row["latency_cycles"]),
              str(row["model_latency_cycles"]), f"{row['latency_error_percent']:+.2f}",
              f"{100 * row['score_delivered']:.1f}", f"{100 * row['accumulate_delivered']:.1f}"] for row in measured]

    def largest(key, fewest=0):
        return max((abs(row[key]) for row in measured if row["L"] >= fewest), default=0.0)

    return [Heading(f"RTL runs, {rows.most} heads"),
            Table(["design", "limit", "L", "cycles", "speed-up", "ATTENDs", "nREFI", "model", "error", "latency", "model",
                   "error", "SCORE", "ACC."], lines),
            Paragraph("Limit: with the power limit. Errors, SCORE and ACC. are in %; SCORE and ACC. are beats of SCORE and\n"
                      "ACCUMULATE delivered / beats that timing and power allow, refresh aside. ATTENDs are those of a rank."),
            Paragraph(f"Largest error of the model in these {len(measured)} runs: {largest('error_percent'):.2f} % of the "
                      f"cycles, {largest('latency_error_percent'):.2f} % of the latency;\nfrom {LONG} tokens on, "
                      f"{largest('error_percent', LONG):.2f} % and {largest('latency_error_percent', LONG):.2f} %.")]


def tables(run):
    data = run.data
    rows = Rows(data)
    most, longest = rows.most, tokens(rows.longest)
    found = [Paragraph(wrapped(f"From `{data['run']['command']}`: {len(data['rows'])} rows of `compare.csv`, memory "
                               f"{data['memory']}."))]
    for limited in (True, False):
        found += [Heading(f"Speed-up over AttAcc (and cycles), {most} heads, {_limit(limited)}"), _speedups(rows, limited)]
    found += [Picture("speedup.png", "Speed-up"),
              Heading(f"Latency of one set of {most} heads, cycles, power limited"), _latencies(rows),
              Heading(f"Speed-up by heads, L = {longest}, power limited"), _by_heads(rows),
              Heading(f"Speed-up with grouped queries, {most} query heads, L = {longest}, power limited"), _by_group(rows),
              Heading(f"Speed-up with everything charged to both sides, {most} heads, power limited"), *_charged(rows)]
    for length in rows.shown:
        found += [Heading(f"Where the cycles go, {most} heads, L = {tokens(length)}, power limited"), _spent(rows, length)]
    found += [Picture("cycles.png", "Where the cycles go"), Heading(f"Energy of one query head, L = {longest}"),
              _energy(rows)]
    area = _area(rows)
    if area.rows:
        first = data["areas"][0]
        found += [Heading(f"Area and speed-up, {most} heads, power limited, {first['library']}, `make area "
                          f"TOP=pq_channel`, {first['unit']} per bank"), area]
    return found + (_measured(rows) if data["measured"] else [])


def pictures(run):
    rows = Rows(run.data)
    speedups = [(f"{rows.most} heads, {_limit(limited)}",
                 {design: [(row["L"], row["speedup"]) for row in rows.of("rows", design=design, heads=rows.most,
                                                                         power_limited=limited)] for design in rows.designs})
                for limited in (True, False)]
    cycles = [(f"{rows.most} heads, L = {tokens(length)}, power limited",
               {row["design"]: [row["spent"][key] for key in SPENT] for row in rows.most_heads(length)})
              for length in rows.shown]
    return {"speedup.png": lambda: draw.curves(speedups, "tokens of the context", "speed-up over AttAcc, steady state", 1),
            "cycles.png": lambda: draw.stacked(cycles, list(SPENT.values()), "memory cycles of one round")}


def terminal(runs):
    return "".join(markdown(tables(run)) for run in runs)


def blocks(run):
    return [Heading("Attention on codes against FP16 next to the banks", 2), *tables(run),
            Heading("How to reproduce"), Command(run.data["run"]["command"])]
