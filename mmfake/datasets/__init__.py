"""Datasets: protocol, index, FF++ tree, samplers and transforms.

The names below are imported, with torch and the host, when they are asked for.
"""

import importlib

_HOMES = {
    'BalancedSampler': 'samplers',
    'FFPPDataset': 'ffpp_dataset',
    'GuardedPipeline': 'guarded_pipeline',
    'PairedSampler': 'samplers',
    'VideoInit': 'transforms.video_init',
    'get_manipulation': 'protocol',
    'register_manipulation': 'protocol',
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    """Import a name from its home."""
    if name in _HOMES:
        return getattr(importlib.import_module(f'.{_HOMES[name]}', __name__), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
