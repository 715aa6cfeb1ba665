# SPDX-License-Identifier: Apache-2.0
"""What `aqpim` calls when it has written the JSON of a run.

    aqpim_report [--files] [--print] [--html FILE] RUN.json...
        --files   writes the other files of each run beside its JSON
        --print   prints what the command shows
        --html    writes one HTML page of all runs, with the pictures that lie beside their JSON
    aqpim_report --tables FILE --command NAME PAGE
        prints the Markdown page with the text of FILE in the place of the tables of `aqpim NAME`

A line on standard error says what is left out because matplotlib or Jinja2 is not there. Exit codes: 0; 2 with a
sentence on standard error for what cannot be read or written.
"""
import argparse
import importlib.util
import os
import sys
import warnings
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from aqpim_report import accuracy, channel, compare, page, pictures, sim, system  # noqa: E402
from aqpim_report.runs import ReportError, load  # noqa: E402
from aqpim_report.text import Picture  # noqa: E402

COMMANDS = {"accuracy": accuracy, "channel": channel, "compare": compare, "sim": sim, "system": system}
DEBIAN = "/usr/bin/python3"  # has what sim/dependencies.txt installs
AGAIN = "AQPIM_REPORT_AGAIN"


def go_on_in_debians_python():
    """Where another python3 comes first in PATH and lacks a package."""
    lacking = [name for name in ("matplotlib", "jinja2") if importlib.util.find_spec(name) is None]
    there = os.path.dirname(DEBIAN) in os.environ.get("PATH", "").split(os.pathsep) and os.access(DEBIAN, os.X_OK)
    if lacking and there and AGAIN not in os.environ and os.path.realpath(DEBIAN) != os.path.realpath(sys.executable):
        os.execve(DEBIAN, [DEBIAN, __file__, *sys.argv[1:]], os.environ | {AGAIN: "1"})


def why(error):
    """Of a package that cannot be imported."""
    return "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"


def make_files(runs):
    """Returns a line for the pictures that could not be drawn, if there are any."""
    missing, reason = [], ""
    for run in runs:
        command = COMMANDS[run.command]
        for name, text in command.files(run).items():
            run.beside(name).write_text(text, encoding="utf-8")
        for name, picture in command.pictures(run).items():
            try:
                run.beside(name).write_bytes(pictures.png(picture()))
            except ImportError as error:
                missing.append(name)
                reason = why(error)
    return [f"matplotlib {reason}, so there is no {' and no '.join(dict.fromkeys(missing))}"] if missing else []


def write_html(path, runs):
    blocks = []
    for run in runs:
        for block in COMMANDS[run.command].blocks(run):
            if not isinstance(block, Picture):
                blocks.append(block)
            elif run.beside(block.name).exists():
                blocks.append(page.Image(block, run.beside(block.name)))
    try:
        path.write_text(page.to_html(f"aqpim {runs[0].command}", blocks), encoding="utf-8")
    except ImportError as error:
        return [f"Jinja2 {why(error)}, so there is no {path.name}"]
    return []


def arguments():
    parser = argparse.ArgumentParser(prog="aqpim_report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--html", type=Path)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--command")
    parser.add_argument("paths", nargs="+", type=Path)
    return parser.parse_args()


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    options = arguments()
    if options.tables:
        # Other bytes than UTF-8, and line ends, stay what they are.
        text = options.paths[0].read_bytes().decode(errors="surrogateescape")
        tables = options.tables.read_text(encoding="utf-8")
        sys.stdout.buffer.write(page.with_tables(options.paths[0], text, options.command, tables)
                                .encode(errors="surrogateescape"))
        return
    runs = [load(path) for path in options.paths]
    lines = make_files(runs) if options.files else []
    if options.html:
        lines += write_html(options.html, runs)
    for line in lines:
        print(line, file=sys.stderr)
    if options.print:
        print(COMMANDS[runs[0].command].terminal(runs), end="")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    go_on_in_debians_python()
    try:
        main()
    except ReportError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}", file=sys.stderr)
        sys.exit(2)
