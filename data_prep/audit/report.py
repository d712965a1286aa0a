"""Audit report: findings and a table on the screen, and all of it as JSON."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Dict

from rich import box
from rich.console import Console
from rich.table import Table

from mmfake.files import atomic_file

from .index_table import ERROR, WARNING, IndexTable, Outcome

SHOWN = 20
"""int: Findings of a rule that are written on the screen; the JSON file has all."""


def count_findings(outcomes: Dict[str, Outcome], severity: str) -> int:
    """Count what was found."""
    found = (finding for outcome in outcomes.values() for finding in outcome.findings)
    return sum(finding.severity == severity for finding in found)


def format_report(table: IndexTable, outcomes: Dict[str, Outcome]) -> str:
    """Write one line per finding, then a table with a line per rule."""
    lines = []
    for rule, outcome in outcomes.items():
        lines += [f'{one.severity} {rule}: {one}' for one in outcome.findings[:SHOWN]]
        if len(outcome.findings) > SHOWN:
            lines.append(
                f'... {rule}: {len(outcome.findings) - SHOWN} more, all are in --json FILE'
            )
    lines += ['', _summary(outcomes), '', _videos(table)]
    errors, warnings = (count_findings(outcomes, kind) for kind in (ERROR, WARNING))
    return '\n'.join([*lines, f'{errors} errors, {warnings} warnings']).lstrip()


def write_json(path: Path, table: IndexTable, outcomes: Dict[str, Outcome]) -> None:
    """Write everything that was found."""
    content = dict(
        index=str(table.path),
        errors=count_findings(outcomes, ERROR),
        warnings=count_findings(outcomes, WARNING),
        rules={
            rule: dict(
                checked=outcome.checked,
                unit=outcome.unit,
                skipped=outcome.skipped,
                findings=[finding._asdict() for finding in outcome.findings],
            )
            for rule, outcome in outcomes.items()
        },
    )
    with atomic_file(path, 'the findings') as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def _summary(outcomes: Dict[str, Outcome]) -> str:
    """Lay out a line per rule."""
    table = Table(box=box.MARKDOWN)
    table.add_column('rule')
    table.add_column('checked', justify='right')
    table.add_column('')
    table.add_column('errors', justify='right')
    table.add_column('warnings', justify='right')
    for rule, outcome in outcomes.items():
        if outcome.skipped:
            table.add_row(rule, '-', f'not applied: {outcome.skipped}', '-', '-')
            continue
        found = Counter(finding.severity for finding in outcome.findings)
        cells = (str(found[kind]) for kind in (ERROR, WARNING))
        table.add_row(rule, f'{outcome.checked}', outcome.unit, *cells)
    # a console of its own: no colours, no markup, and never folded to the width of a terminal
    console = Console(
        file=io.StringIO(), width=500, color_system=None, markup=False, emoji=False, highlight=False
    )
    console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return '\n'.join(line for line in lines if line)


def _videos(table: IndexTable) -> str:
    """Say how many videos can be used, and why the others cannot."""
    unused = Counter(row['status'] for row in table.rows if not row.used)
    text = f'{len(table.rows)} videos, {len(table.used)} used'
    reasons = ', '.join(f'{status} {number}' for status, number in sorted(unused.items()))
    return f'{text}, {sum(unused.values())} not ({reasons})' if unused else text
