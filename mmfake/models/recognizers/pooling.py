"""From a backbone's feature map to one embedding per clip."""

from __future__ import annotations

from typing import Sequence, Union

import torch
from torch import Tensor


def global_average_pool(features: Union[Tensor, Sequence[Tensor]]) -> Tensor:
    """Average a feature map over time and space.

    Args:
        features (Tensor | Sequence[Tensor]): ``(N, C, T, H, W)``, or the maps of a backbone with
            several pathways such as SlowFast, whose embeddings are concatenated.

    Returns:
        Tensor: ``(N, C)``.
    """
    if isinstance(features, Tensor):
        return features.flatten(2).mean(dim=2)  # (N, C, T, H, W) -> (N, C, T*H*W) -> (N, C)
    return torch.cat([global_average_pool(feature) for feature in features], dim=1)
