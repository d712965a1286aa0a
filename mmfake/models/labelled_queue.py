"""Labelled queue (memory bank) of label-informed MoCo."""

from __future__ import annotations

import hashlib
from typing import Dict, Optional, Union

import torch
from mmaction.utils import SampleList
from torch import Tensor

from ..errors import MMFakeError
from .pinned_data_preprocessor import upload


def videos_of(
    data_samples: SampleList, device: Union[torch.device, str], needed: bool = True
) -> Tensor:
    """One number per data sample that names its video, also across concatenated datasets.

    It is made of ``video_id``; of a dataset without, it is ``sample_idx``, the index of the video.

    Args:
        data_samples (list[:obj:`ActionDataSample`]): N samples.
        device (torch.device | str): Where the result goes; no GPU is waited for.
        needed (bool): Whether a sample that has neither is an error; else it gets -1. Defaults to
            True.

    Returns:
        Tensor: ``(N,)`` int64.

    Raises:
        MMFakeError: If a sample has neither and they are needed.
    """
    numbers = []
    for sample in data_samples:
        name = sample.get('video_id')
        if name is not None:
            digest = hashlib.blake2b(str(name).encode(), digest_size=8).digest()
            numbers.append(int.from_bytes(digest, 'big') >> 1)  # 63 bits: never negative
            continue
        index = sample.get('sample_idx', -1)
        if index == -1 and needed:
            raise MMFakeError(
                "a data sample has no 'video_id' and no 'sample_idx', so the queue cannot tell "
                'which keys are of its own video; name one in PackActionInputs(meta_keys=...) of '
                'the pipeline, or set exclude_own_video=False in LabelMoCoHook.'
            )
        numbers.append(int(index))
    return upload(torch.tensor(numbers, dtype=torch.long), device)


class LabelledQueue:
    """First-in first-out memory of keys with the label and the video each came from.

    A plain object, not a module: it is training state of :class:`LabelMoCoHook` and must not enter
    the ``state_dict`` of the detector. Keys are kept in float32 (half-precision keys lose the small
    differences that the loss at temperature 0.07 magnifies).

    Args:
        size (int): Number of slots K.
        channels (int): Length D of a key.
        device (torch.device | str): Where the tensors live. Defaults to ``'cpu'``.
        exclude_own_video (bool): Whether an anchor's own video is left out of its contrast sets.
            Defaults to False.

    Attributes:
        keys (Tensor): ``(K, D)`` float32, L2-normalised.
        labels (Tensor): ``(K,)`` int64, -1 marks an empty slot.
        videos (Tensor): ``(K,)`` int64 number of the video, see :func:`videos_of`, -1 in an empty
            slot.
        pointer (int): Slot of the next write.
        filled (int): Slots that hold a key.
    """

    def __init__(
        self,
        size: int,
        channels: int,
        device: Union[torch.device, str] = 'cpu',
        exclude_own_video: bool = False,
    ) -> None:
        self.keys = torch.zeros(size, channels, device=device)
        self.labels = torch.full((size,), -1, dtype=torch.long, device=device)
        self.videos = torch.full((size,), -1, dtype=torch.long, device=device)
        self.pointer = self.filled = 0
        self.exclude_own_video = exclude_own_video

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def fill(self) -> float:
        """Share of the slots that hold a key, 0 to 1."""
        return self.filled / len(self)

    @torch.no_grad()
    def enqueue(self, keys: Tensor, labels: Tensor, videos: Tensor) -> None:
        """Write a batch of keys over the oldest ones, modulo the size of the queue.

        Args:
            keys (Tensor): ``(N, D)``, any N: of a batch longer than the queue the last K stay.
            labels (Tensor): ``(N,)``.
            videos (Tensor): ``(N,)``.
        """
        size, written = len(self), min(len(labels), len(self))
        first = len(labels) - written  # of those that stay
        start = (self.pointer + first) % size
        before_end = min(written, size - start)  # the others go to the slots 0, 1, ...
        for memory, rows in ((self.keys, keys), (self.labels, labels), (self.videos, videos)):
            # slices, as a tensor of slots would have to be uploaded
            memory[start : start + before_end].copy_(rows[first : first + before_end])
            if before_end < written:
                memory[: written - before_end].copy_(rows[first + before_end :])
        self.pointer = (self.pointer + len(labels)) % size
        self.filled = min(self.filled + len(labels), size)

    def own_video(self, videos: Tensor) -> Optional[Tensor]:
        """Which entries each anchor must ignore because they come from its own video.

        Args:
            videos (Tensor): Videos of the anchors, ``(N,)``.

        Returns:
            Tensor | None: Bool ``(N, K)``, or None unless ``exclude_own_video`` is on.
        """
        return videos[:, None] == self.videos[None] if self.exclude_own_video else None

    def state_dict(self) -> Dict[str, Union[Tensor, int]]:
        """The content as CPU tensors and an int, for a checkpoint."""
        tensors = {name: getattr(self, name).cpu() for name in ('keys', 'labels', 'videos')}
        return {**tensors, 'pointer': self.pointer}

    def load_state_dict(self, state: Dict[str, Union[Tensor, int]]) -> None:
        """Restore what :meth:`state_dict` gave.

        Raises:
            ValueError: If the saved queue has another size or key length.
        """
        if state['keys'].shape != self.keys.shape:
            raise ValueError(
                f'the saved queue is {tuple(state["keys"].shape)}, '
                f'the configured one {tuple(self.keys.shape)}'
            )
        for name in ('keys', 'labels', 'videos'):
            getattr(self, name).copy_(state[name])
        self.pointer = int(state['pointer'])
        self.filled = int((state['labels'] >= 0).sum())
