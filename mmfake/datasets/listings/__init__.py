"""Who is in a dataset: its videos as its makers list them, for data preparation."""

from .expected_counts import expected_counts
from .list_dataset import LISTINGS, list_dataset

__all__ = ['LISTINGS', 'expected_counts', 'list_dataset']
