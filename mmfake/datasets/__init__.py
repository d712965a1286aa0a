"""Datasets, samplers and the table of manipulations."""

from .balanced_sampler import BalancedSampler
from .ffpp_dataset import FFPPDataset
from .guarded_pipeline import GuardedPipeline
from .manipulations import (
    ORIGINAL,
    Manipulation,
    get_manipulation,
    manipulation_keys,
    register_manipulation,
)
from .paired_sampler import PairedSampler
from .seeded_index import SeededIndex
from .transforms import VideoInit

__all__ = [
    'ORIGINAL',
    'BalancedSampler',
    'FFPPDataset',
    'GuardedPipeline',
    'Manipulation',
    'PairedSampler',
    'SeededIndex',
    'VideoInit',
    'get_manipulation',
    'manipulation_keys',
    'register_manipulation',
]
