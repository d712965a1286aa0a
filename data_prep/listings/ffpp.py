"""FaceForensics++, and FaceShifter, its fifth manipulation."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

from mmfake.datasets.ffpp_tree import canonical_compression, check_root, read_splits, read_tree
from mmfake.datasets.manipulations import ORIGINAL, manipulation_keys
from mmfake.datasets.protocol import VideoRecord


def list_ffpp(
    root: str,
    splits_dir: Optional[str] = None,
    compression: str = 'c23',
    methods: Optional[Union[str, Sequence[str]]] = None,
) -> List[VideoRecord]:
    """List FF++ in its official layout, all three splits."""
    check_root(root)
    compression = canonical_compression(compression)
    given = (methods,) if isinstance(methods, str) else methods or manipulation_keys()
    keys = tuple(dict.fromkeys((ORIGINAL, *given)))
    splits = read_splits(root, splits_dir)
    return [
        record
        for split, pairs in splits.items()
        for record in read_tree(root, pairs, split, keys, compression)
    ]


def list_faceshifter(
    root: str, splits_dir: Optional[str] = None, compression: str = 'c23'
) -> List[VideoRecord]:
    """List the originals of FF++ and FaceShifter, which has the same pairs and splits."""
    return list_ffpp(root, splits_dir, compression, ('fsh',))
