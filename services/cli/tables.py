"""How tables look: narrow enough for 80 columns, and plain enough to be copied."""

import os
import sys

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH_OF_A_FILE = 160  # what is piped on has no edge to keep to, and should not be cut

# What is shown comes from outside: nothing in it is markup, and `email:x:` no emoji.
console = Console(
    highlight=False,
    markup=False,
    emoji=False,
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_FILE,
)


def table(*headings: str, title: str | None = None) -> Table:
    """A heading that begins with `>` stands over numbers, aligned to the right. Only the last column wraps."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    made.padding = (0, 1, 0, 0)
    for heading in headings:
        whole = heading is not headings[-1]
        if heading.startswith(">"):
            made.add_column(heading[1:], justify="right", no_wrap=whole)
        else:
            made.add_column(heading, no_wrap=whole)
    return made


def say(text: str, style: str | None = None) -> None:
    """One line, however long, with nothing in it taken for markup."""
    console.print(text, style=style, markup=False, soft_wrap=True)
