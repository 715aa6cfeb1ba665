# SPDX-License-Identifier: Apache-2.0
"""Tables, CSV, Markdown, pictures and HTML of the JSON that `aqpim` writes, one file per run (docs/reports.md).

    runs      loads a JSON; what is wrong with it, as a sentence
    text      cells, CSV, blocks (headings, paragraphs, tables, pictures) and their Markdown
    pictures  what matplotlib draws, as PNG
    page      blocks as one HTML file without references to others

and a module for each command (sim, channel, accuracy, compare, system), which says what its JSON becomes:

    files(run)     the text of each file beside the JSON, by name
    pictures(run)  the pictures beside it: calls of the module `pictures`, by name
    blocks(run)    what its page shows
    terminal(runs) what the command prints
"""
