# SPDX-License-Identifier: Apache-2.0
"""Pictures, drawn by matplotlib, which is imported when the first one is: each function returns a figure, and png() its
bytes. Nothing but the data, and none of the user's settings, changes a picture."""
import io
import logging

INK, PALE = "#30343b", "#d9dce1"
COLOURS = ["#c2410c", "#1d4ed8", "#15803d", "#a21caf", "#0e7490", "#a16207", "#7b8494", INK]
DOTS_PER_INCH = 100
MOST_PANELS = 24  # more would be too small to read


def new_figure(width, height):
    """An empty figure of so many pixels. Raises ImportError without matplotlib."""
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    import matplotlib
    from matplotlib.figure import Figure
    matplotlib.rcdefaults()
    matplotlib.rcParams.update({
        "font.size": 9, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
        "grid.color": PALE, "legend.frameon": False, "legend.fontsize": 8, "axes.titlelocation": "left",
        "axes.titlesize": 11, "text.parse_math": False})
    return Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH, layout="constrained")


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def panels(titles, width, row_height):
    """A figure and its axes, one below the other. At least one, so that a picture without data is one."""
    titles = list(titles)[:MOST_PANELS] or [""]
    figure = new_figure(width, row_height * len(titles))
    axes = figure.subplots(len(titles), 1, squeeze=False)[:, 0]
    for axis, title in zip(axes, titles):
        axis.set_title(title)
    return figure, axes


def log_scale(axis, *series):
    """A logarithmic y axis, where there is something above 0 to show."""
    if any(value > 0 for values in series for value in values):
        from matplotlib.ticker import LogFormatter
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(LogFormatter())
        axis.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
        axis.tick_params(which="minor", labelsize=7)


def legend(axis):
    """Beside the panel, if there is a name to tell."""
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))


def curves(panel_data, x_name, y_name, level=None, width=860, row_height=400):
    """Curves over powers of two. `panel_data`: of each panel its title and {name: [(x, y), ...]}."""
    figure, axes = panels([title for title, _ in panel_data], width, row_height)
    for axis, (_, named) in zip(axes, panel_data):
        for i, (name, points) in enumerate(named.items()):
            axis.plot(*zip(*points), marker="o", markersize=4, color=COLOURS[i % len(COLOURS)], label=name)
        if level is not None:
            axis.axhline(level, color=INK, linestyle="--", linewidth=0.8)
        axis.set(xlabel=x_name, ylabel=y_name, ylim=(0, None))
        ticks = sorted({x for points in named.values() for x, _ in points})
        axis.set_xscale("log", base=2)
        axis.set_xticks(ticks, [f"{x:g}" for x in ticks])
        axis.minorticks_off()
        legend(axis)
    return figure


def attention(title, heads):
    """Of each head, where the attention lies, exact and as computed, and the error of every query."""
    heads = heads[:MOST_PANELS]
    figure = new_figure(1360, 56 + 300 * max(len(heads), 1))
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    rows = figure.subplots(max(len(heads), 1), 2, squeeze=False, width_ratios=[1.75, 1])
    for head, (mass, error) in zip(heads, rows):
        shown, errors = head["attention_mass"], head["query_errors"]
        log_scale(mass, shown["exact"], shown["computed"])
        mass.bar(shown["position"], shown["exact"], width=0.95 * head["tokens"] / len(shown["position"]),
                 color="#9aa3b2", label="exact")
        mass.plot(shown["position"], shown["computed"], "o", markersize=3, color=COLOURS[0], label="computed by the engine")
        mass.axvline(head["prefill"], color=INK, linestyle=":", linewidth=1, label="prefill")
        mass.set(title=head["name"], xlabel="token", ylabel="attention mass per bin", xlim=(0, head["tokens"]))
        log_scale(error, errors["relative_error"], errors["pq_relative_error"])
        error.plot(errors["token"], errors["relative_error"], "o", markersize=4, color=COLOURS[0],
                   label="computed by the engine")
        error.plot(errors["token"], errors["pq_relative_error"], "o", markersize=7, fillstyle="none", color=COLOURS[1],
                   label="the same codes in floating point")
        error.set(xlabel="token of the query", ylabel="relative error of the output")
        for axis in (mass, error):
            axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0)
    return figure


def timeline(title, lanes, kinds, first, last):
    """Bars of `kinds`, each with name, colour and bars [lane, first, last], from cycle `first` to `last`."""
    figure = new_figure(1600, 140 + 46 * len(lanes))
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    axis = figure.subplots()
    for kind in kinds:
        lane, start, end = zip(*kind["bars"])
        axis.barh(lane, [b - a for a, b in zip(start, end)], left=start, height=0.72, color=kind["colour"],
                  label=kind["name"])
    axis.set_yticks(range(len(lanes)), lanes)
    axis.set(xlim=(first, max(last, first + 1)), ylim=(len(lanes) - 0.5, -0.5), xlabel="cycle of the memory clock")
    axis.xaxis.set_major_formatter("{x:.0f}")
    axis.grid(axis="x", visible=False)
    if kinds:
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=10, borderaxespad=0)
    return figure


def stacked(panel_data, parts, y_name):
    """Bars of parts on each other. `panel_data`: of each panel its title and {name of a bar: [size of each part]}."""
    figure, axes = panels([title for title, _ in panel_data], 1120, 380)
    colours = ["#1d4ed8", "#0e7490", "#a16207", "#eab308", "#7b8494", "#c2410c", "#a21caf", "#15803d"]
    for axis, (_, bars) in zip(axes, panel_data):
        bottom = [0.0] * len(bars)
        for i, part in enumerate(parts):
            sizes = [sizes[i] for sizes in bars.values()]
            axis.bar(list(bars), sizes, 0.6, bottom, color=colours[i % len(colours)], label=part)
            bottom = [low + size for low, size in zip(bottom, sizes)]
        axis.set(ylabel=y_name)
        axis.tick_params(axis="x", labelsize=8)
        axis.grid(axis="x", visible=False)
        handles, names = axis.get_legend_handles_labels()
        axis.legend(handles[::-1], names[::-1], loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure


def error_bits(panel_data):
    """Error against bits per element. Of each panel: title, integers by group, configurations in all variants, and their
    standard ones, as {name: [(bits, error, label), ...]}."""
    panel_data = list(panel_data)
    figure, axes = panels([title for title, *_ in panel_data], 980, 430)
    for axis, (_, integers, coded, standard) in zip(axes, panel_data):
        shown = [point for points in (*integers.values(), *coded.values()) for point in points]
        log_scale(axis, [error for _, error, _ in shown])
        for i, (name, points) in enumerate(coded.items()):
            colour = COLOURS[i % 6]
            axis.plot(*zip(*(point[:2] for point in points)), "o", markersize=3, color=colour, alpha=0.3,
                      label=f"{name}, other options")
            if standard[name]:
                axis.plot(*zip(*(point[:2] for point in standard[name])), "o", markersize=9, color=colour, label=name)
        for i, (name, points) in enumerate(integers.items()):
            axis.plot(*zip(*(point[:2] for point in points)), "s--", markersize=5, color=COLOURS[6 + i % 2], label=name)
            for bits, error, label in points:
                axis.annotate(label, (bits, error), (5, 5) if i % 2 else (-5, -9), textcoords="offset points", fontsize=7,
                              ha="left" if i % 2 else "right")
        axis.set(xlabel="bits per element (codes, codebooks, centres; scales and zeros of integers), K and V averaged",
                 ylabel="relative error of the output, mean over heads")
        legend(axis)
    return figure


def error_queries(panel_data):
    """Error against the token of the query. Of each panel: title, curves of integers and of configurations, as
    {name: [(token, error), ...]}."""
    panel_data = list(panel_data)
    figure, axes = panels([title for title, *_ in panel_data], 980, 330)
    for axis, (_, plain, coded) in zip(axes, panel_data):
        log_scale(axis, [error for points in (*plain.values(), *coded.values()) for _, error in points])
        for i, (name, points) in enumerate(plain.items()):
            axis.plot(*zip(*points), "s--", markersize=4, color=COLOURS[6 + i % 2], alpha=1 - 0.25 * (i // 2), label=name)
        for i, (name, points) in enumerate(coded.items()):
            axis.plot(*zip(*points), "o-", markersize=4, color=COLOURS[i % 6], label=name)
        axis.set(xlabel="token of the query", ylabel="relative error of the output")
        legend(axis)
    return figure
