"""Tables in plain text."""

from __future__ import annotations

import io
from typing import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Lay out an aligned table that is Markdown as well.

    Args:
        headings (Sequence[str]): One heading a column.
        rows (Iterable[Sequence[str]]): The cells, as many a row as there are headings; a ``|`` in
            one is escaped.
        left (int): How many columns, from the first, stand to the left; the others, numbers, stand
            to the right, as text and as Markdown. Defaults to 1.

    Returns:
        str: The lines, without a last line break.
    """
    table = Table(box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(_escape(heading), justify='left' if place < left else 'right')
    for row in rows:
        table.add_row(*map(_escape, row))
    # a console of its own: no colours, no markup, and never folded to the width of a terminal
    console = Console(
        file=io.StringIO(),
        width=10000,
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    lines = [line for line in lines if line]
    rules = lines[1].split('|')  # '', one for each column, ''
    lines[1] = '|'.join(
        f'{rule[:-1]}:' if left < place <= len(headings) else rule
        for place, rule in enumerate(rules)
    )
    return '\n'.join(lines)


def _escape(text: str) -> str:
    return text.replace('|', '\\|')
