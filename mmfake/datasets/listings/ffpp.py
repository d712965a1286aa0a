"""FaceForensics++."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

from ..ffpp_tree import canonical_compression, check_root, read_tree
from ..manipulations import ORIGINAL, manipulation_keys
from ..split_files import read_splits
from ..video_record import VideoRecord


def list_ffpp(
    root: str,
    splits_dir: Optional[str] = None,
    compression: str = 'c23',
    methods: Optional[Union[str, Sequence[str]]] = None,
) -> List[VideoRecord]:
    """List FF++ in its official layout, all three splits.

    Args:
        root (str): Its root.
        splits_dir (str, optional): Folder of ``train.json``, ``val.json`` and ``test.json``.
            Defaults to None, which means ``<root>/splits`` or else ``<root>``.
        compression (str): ``'raw'`` (or ``'c0'``, the same), ``'c23'`` or ``'c40'``. Defaults to
            ``'c23'``.
        methods (Sequence[str] | str, optional): Keys of the manipulations; originals are always
            listed. Defaults to None, which means ``('df', 'f2f', 'fs', 'nt')``.

    Returns:
        list[VideoRecord]: Split by split, target by target.

    Raises:
        MMFakeError: If the tree or a split file is not as it should be.
    """
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
