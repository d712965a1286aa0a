"""What came of applying a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List

from .finding import Finding


@dataclass(frozen=True)
class Outcome:
    """How much a rule looked at, and what it found.

    Args:
        checked (int): How many things were looked at.
        unit (str): What these things are, in the plural, e.g. ``'clips'``.
        findings (list[Finding]): What is wrong. Defaults to an empty list.
        skipped (str): Why the rule could not be applied; empty if it was. Defaults to ``''``.
    """

    checked: int
    unit: str
    findings: List[Finding] = field(default_factory=list)
    skipped: str = ''
