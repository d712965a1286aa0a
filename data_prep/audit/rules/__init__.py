"""Audit rules: to add one, write a function and name it here."""

from __future__ import annotations

from typing import Callable, Dict

from ..index_table import IndexTable, Outcome
from . import clip_rules, duplicate_rules, protocol_rules, row_rules, split_rules

RULES: Dict[str, Callable[[IndexTable], Outcome]] = {
    'bad-row': row_rules.bad_row,
    'duplicate-row': row_rules.duplicate_row,
    'status-without-reason': row_rules.status_without_reason,
    'unknown-status': row_rules.unknown_status,
    'unknown-method': row_rules.unknown_method,
    'id-in-two-splits': split_rules.id_in_two_splits,
    'fake-across-splits': split_rules.fake_across_splits,
    'shared-source': split_rules.shared_source,
    'exact-duplicate': duplicate_rules.exact_duplicate,
    'near-duplicate': duplicate_rules.near_duplicate,
    'clip-unreadable': clip_rules.clip_unreadable,
    'clip-size': clip_rules.clip_size,
    'clip-frames': clip_rules.clip_frames,
    'clip-exchanged': clip_rules.clip_exchanged,
    'track-missing': clip_rules.track_missing,
    'unequal-codec': protocol_rules.unequal_codec,
    'unequal-frames': protocol_rules.unequal_frames,
    'unequal-track': protocol_rules.unequal_track,
    'counts': protocol_rules.counts,
    'both-kinds': protocol_rules.both_kinds,
    'original-missing': protocol_rules.original_missing,
    'index-refused': row_rules.index_refused,
}
"""dict[str, Callable]: The rules by name, in the order in which they are reported."""
