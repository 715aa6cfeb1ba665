# SPDX-License-Identifier: Apache-2.0
"""One HTML file of blocks: pictures are in it, nothing is fetched. Raises ImportError without Jinja2. And tables that
take their place in a Markdown page."""
import base64
import html
import re
from pathlib import Path

from aqpim_report.runs import ReportError

TEMPLATE = Path(__file__).with_name("page.html")


class Image:
    """A picture with its bytes, in the place of its name."""

    def __init__(self, picture, path):
        self.title = picture.title
        self.data = base64.b64encode(path.read_bytes()).decode()


def _inline(text):
    """`code` and **bold** of Markdown, everything else as it is."""
    from markupsafe import Markup
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
    return Markup(re.sub(r"\*\*([^*]*)\*\*", r"<strong>\1</strong>", text))


def to_html(title, blocks):
    """The page. Blocks as in aqpim_report.text; pictures as Image."""
    from jinja2 import Environment
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["inline"] = _inline
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(title=title, blocks=blocks) + "\n"


def with_tables(where, page, command, tables):
    """`page` with what stands between the two marker lines of `command` replaced:
         <!-- tables of aqpim COMMAND: begin -->
         <!-- tables of aqpim COMMAND: end -->
    """
    begin, end = (f"<!-- tables of aqpim {command}: {word} -->" for word in ("begin", "end"))
    if page.count(f"{begin}\n") != 1 or page.count(f"{end}\n") != 1 or page.index(f"{end}\n") < page.index(f"{begin}\n"):
        raise ReportError(f'{where} has no pair of lines "{begin}" and "{end}" to put tables between')
    before, after = page.index(f"{begin}\n"), page.index(f"{end}\n")
    return f"{page[:before]}{begin}\n\n{tables}\n{page[after:]}"
