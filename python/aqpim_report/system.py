# SPDX-License-Identifier: Apache-2.0
"""`aqpim system`: system.csv, system.md, system.png."""
from aqpim_report import pictures as draw
from aqpim_report.text import Command, Heading, Paragraph, Picture, Table, cell, markdown, to_csv, tokens

COLUMNS = ["model", "node", "design", "batch", "context", "link_share", "step_ms", "tokens_per_s", "j_per_token",
           "weights_ms", "attention_ms", "transfers_ms", "reduction_ms", "link_ms", "weight_gb", "cache_gb", "link_gb",
           "fits", "speedup_gpu", "speedup_attacc"]
SHOWN = 32768  # tokens of the context that tables are about, if it is there
PAPERS = (0.90, 0.985)  # the link's share of a step, by the paper's abstract


def _number(key):
    return key, lambda row: cell(row[key], ".6g" if isinstance(row[key], float) else "")


def files(run):
    return {"system.csv": to_csv(map(_number, COLUMNS), run.data), "system.md": markdown(tables(run))}


def _values(rows, key):
    return list(dict.fromkeys(row[key] for row in rows))


def _is_engine(row):
    return row["design"] not in ("gpu", "attacc")


def _by_batch(rows, model, context, text):
    """A row per batch, a cell per design."""
    shown = [row for row in rows if row["model"] == model and row["context"] == context]
    return Table(["batch", *(f"**{design}**" for design in _values(rows, "design"))],
                 [[str(batch), *(text(row) for row in shown if row["batch"] == batch)] for batch in _values(rows, "batch")])


def _sequences(rows, context):
    shown = [row for row in rows if row["context"] == context]
    return Table(["model", "node", *(f"**{design}**" for design in _values(rows, "design"))],
                 [[model, next(row["node"] for row in shown if row["model"] == model),
                   *(f"{row['most_sequences']:.0f}" for row in _first_batch(shown, model))]
                  for model in _values(rows, "model")])


def _first_batch(shown, model):
    """A row of each design, of what does not depend on the batch."""
    rows = [row for row in shown if row["model"] == model]
    return [row for row in rows if row["batch"] == rows[0]["batch"]]


def _prefills(rows, context):
    shown = [row for row in rows if row["context"] == context]
    designs = [design for design in _values(rows, "design") if _is_engine({"design": design})]
    return Table(["model", "GPU, ms", *(f"**{design}**, at most (not hidden)" for design in designs)],
                 [[model, f"{_first_batch(shown, model)[0]['prefill_gpu_ms']:.1f}",
                   *(f"{row['prefill_quantize_ms']:.1f} ({row['prefill_exposed_ms']:.2f})"
                     for row in _first_batch(shown, model) if _is_engine(row))] for model in _values(rows, "model")])


def _point(row):
    return f"{row['model']} with batch {row['batch']} and {tokens(row['context'])} tokens"


def _claims(rows):
    """Where the links' share of a step is what the paper's abstract says it is, and what engines gain where nothing crosses
    a link."""
    first_of = {}  # engines and FP16 next to the banks, at each point
    for row in rows:
        kind = "engine" if _is_engine(row) else row["design"]
        first_of.setdefault((row["model"], row["batch"], row["context"], kind), row)

    def beside(row, kind):
        found = first_of.get((row["model"], row["batch"], row["context"], kind))
        return found if found and found["fits"] == "memory" else None

    outside = [row for row in rows if not _is_engine(row) and row["fits"] != "memory"]
    inside = [row for row in outside if PAPERS[0] <= row["link_share"] <= PAPERS[1]]
    beyond = sum(row["link_share"] > PAPERS[1] for row in outside)
    mended = [row for row in inside if beside(row, "engine")]
    gains = [row for row in rows if _is_engine(row) and beside(row, "attacc")]
    text = (f"Of {len(outside)} points at which an FP16 cache does not fit,\n{len(inside)} spend 90 to 98.5 % of the step on "
            f"the link, {beyond} more.")
    if mended:
        text += (f"\nAt {len(mended)} of these {len(inside)} codes fit and the share is 0, e.g. {_point(mended[0])}:\n"
                 f"{mended[0]['link_share']:.3f} on {mended[0]['design']}.")
    if gains:
        most = max(gains, key=lambda row: row["speedup_attacc"])
        text += (f"\nWhere FP16 fits, a step of FP16 next to the banks takes at most {most['speedup_attacc']:.2f} times as "
                 f"long as one of\n{most['design']} ({_point(most)}).")
    return text


def tables(run):
    rows = run.data
    contexts, models = _values(rows, "context"), _values(rows, "model")
    context = SHOWN if SHOWN in contexts else max(contexts)
    name = tokens(context)
    found = [Paragraph(f"From `{rows[0]['command']}`:\n{len(rows)} rows of `system.csv`. {_claims(rows)}"),
             Heading(f"Sequences of {name} tokens that fit beside the weights, per node"), _sequences(rows, context)]
    for model in models:
        found += [Heading(f"{model}, {name} tokens: ms of a step (share of the link)"),
                  _by_batch(rows, model, context, lambda row: f"{row['step_ms']:.2f} ({100 * row['link_share']:.1f} %)")]
    return found + [
        Heading(f"{models[0]}, {name} tokens: joules of a token"),
        _by_batch(rows, models[0], context, lambda row: f"{row['j_per_token']:.3f}"),
        Heading(f"Prefill of one sequence of {name} tokens: clustering and encoding, ms"), _prefills(rows, context),
        Picture("system.png", "Tokens per second")]


def pictures(run):
    """Of the first model that keeps its whole context, if there is one."""
    rows = run.data
    model = next((row["model"] for row in rows if row["sliding_window"] == 0), rows[0]["model"])
    contexts = _values(rows, "context")
    shown = [(f"{model}, {tokens(context)} tokens",
              {design: [(row["batch"], row["tokens_per_s"]) for row in rows
                        if (row["model"], row["context"], row["design"]) == (model, context, design)]
               for design in _values(rows, "design")})
             for context in contexts if context in (contexts[0], contexts[-1], SHOWN)]
    return {"system.png": lambda: draw.curves(shown, "sequences", "tokens per second")}


def terminal(runs):
    return "".join(markdown(tables(run)) for run in runs)


def blocks(run):
    return [Heading("A decoding step of whole language models", 2), *tables(run),
            Heading("How to reproduce"), Command(run.data[0]["command"])]
