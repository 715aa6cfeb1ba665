# SPDX-License-Identifier: Apache-2.0
"""Cells, CSV, and the blocks that pages are made of, as Markdown."""
import csv
import io
from dataclasses import dataclass, field

COLUMNS = 120  # of a line of Markdown


def cell(value, spec=""):
    """A value as text: the shortest that is read as the same number, unless `spec` is a format; "" if there is none."""
    if value is None:
        return ""
    if spec:
        return format(value, spec)
    if isinstance(value, bool):
        return str(int(value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def to_csv(columns, rows):
    """A line of names, then one per row. Columns are names, or (name, function of a row)."""
    columns = [(column, lambda row, key=column: row[key]) if isinstance(column, str) else column for column in columns]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(name for name, _ in columns)
    writer.writerows([cell(value(row)) for _, value in columns] for row in rows)
    return text.getvalue()


def formatted(key, spec):
    """A column of to_csv(): this key in this format."""
    return key, lambda row: cell(row[key], spec)


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 4

    def markdown(self):
        return f"{'#' * self.level} {self.text}\n"


@dataclass(frozen=True)
class Paragraph:
    """Text that keeps its line ends. `code` and **bold** mean what they do in Markdown."""
    text: str

    def markdown(self):
        return self.text + "\n"


@dataclass(frozen=True)
class Command:
    """What to type."""
    text: str

    def markdown(self):
        return f"```sh\n{self.text}\n```\n"


@dataclass(frozen=True)
class Table:
    names: list
    rows: list = field(default_factory=list)

    def markdown(self):
        lines = [" | ".join(cells) for cells in (self.names, *self.rows)]
        return "".join(f"| {line} |\n" + "|" * (i == 0) + "---|" * (i == 0) * len(self.names) + "\n" * (i == 0)
                       for i, line in enumerate(lines))


@dataclass(frozen=True)
class Picture:
    """A file beside the JSON; pages in docs/ have it in figures/."""
    name: str
    title: str

    def markdown(self):
        return f"![{self.title}](figures/{self.name})\n"


def markdown(blocks):
    return "\n".join(block.markdown() for block in blocks)


def wrapped(text):
    """Broken at blanks into lines of at most COLUMNS characters; longer words alone."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > COLUMNS:
            lines.append("")
        lines[-1] += " " * bool(lines[-1]) + word
    return "\n".join(lines)


def facts(values):
    """A table of names and values; tables in it row by row."""
    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += [[f"{key}.{name}", text] for name, text in facts(value).rows]
        else:
            rows.append([key, ", ".join(map(cell, value)) if isinstance(value, list) else
                         "none" if value is None else str(value).lower() if isinstance(value, bool) else cell(value)])
    return Table(["name", "value"], rows)


def tokens(count):
    return f"{count // 1024}K" if count % 1024 == 0 else str(count)
