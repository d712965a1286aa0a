"""FaceShifter, the fifth manipulation of FaceForensics++."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

from mmfake.datasets.ffpp_tree import canonical_compression, check_root, read_splits, read_tree
from mmfake.datasets.protocol import ORIGINAL, VideoRecord, manipulation_keys


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


def list_faceshifter(
    root: str, splits_dir: Optional[str] = None, compression: str = 'c23'
) -> List[VideoRecord]:
    """List the originals of FF++ and FaceShifter, which has the same pairs and splits.

    Args:
        root (str): Root of FF++.
        splits_dir (str, optional): As for :func:`list_ffpp`. Defaults to None.
        compression (str): As for :func:`list_ffpp`. Defaults to ``'c23'``.

    Returns:
        list[VideoRecord]: As :func:`list_ffpp` returns.

    Raises:
        MMFakeError: As :func:`list_ffpp`.
    """
    return list_ffpp(root, splits_dir, compression, ('fsh',))
