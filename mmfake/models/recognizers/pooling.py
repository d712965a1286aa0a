"""Global pooling: from whatever a backbone gives to one embedding per clip or frame."""

from __future__ import annotations

from typing import Optional, Sequence, Union

import torch
from torch import Tensor, nn

from ...errors import MMFakeError

Features = Union[Tensor, Sequence['Features']]


class GlobalPool(nn.Module):
    """Pool the output of any backbone to an embedding ``(N, C)``.

    =========================================== =============================================
    output of the backbone                      embedding
    =========================================== =============================================
    map ``(N, C, T, H, W)`` or ``(N, C, H, W)`` mean over time and space
    pooled ``(N, C)``                           as it is
    tokens ``(N, L, C)``                        by ``tokens``
    pair of a map and a class token ``(N, C)``, by ``tokens``
    as MViT gives it
    any other tuple or list, such as SlowFast's the embeddings of its items, concatenated
    =========================================== =============================================

    Args:
        tokens (str, optional): ``'cls'`` takes the class token (the first of a sequence),
            ``'mean'`` the mean of all tokens or of the map. Defaults to None, what mmaction2's own
            heads do: the class token where the backbone gives it apart, else the mean.

    Raises:
        MMFakeError: If ``tokens`` is something else.
    """

    def __init__(self, tokens: Optional[str] = None) -> None:
        super().__init__()
        if tokens not in (None, 'cls', 'mean'):
            raise MMFakeError(
                f"pooling: tokens={tokens!r} is unknown; set 'cls', 'mean' or leave it out."
            )
        self.tokens = tokens

    def forward(self, features: Features) -> Tensor:
        """Pool the output of a backbone.

        Raises:
            MMFakeError: If a tensor in it is none of the above.
        """
        if not isinstance(features, Tensor):
            if _is_map_with_class_token(features):
                features = features[0] if self.tokens == 'mean' else features[1]
                return self(features)
            return torch.cat([self(item) for item in features], dim=1)
        if features.ndim == 2:
            return features
        if features.ndim == 3:  # (N, L, C) -> (N, C)
            return features[:, 0] if self.tokens == 'cls' else features.mean(dim=1)
        if features.ndim in (4, 5):
            return features.flatten(2).mean(dim=2)  # (N, C, T, H, W) -> (N, C, T*H*W) -> (N, C)
        raise MMFakeError(
            f'the backbone gives a tensor of shape {tuple(features.shape)}: pooling takes (N, C), '
            'tokens (N, L, C) and maps (N, C, H, W) or (N, C, T, H, W).'
        )


def last_map(features: Features) -> Optional[Tensor]:
    """The last 4-D or 5-D tensor in the output of a backbone, None without one."""
    if isinstance(features, Tensor):
        return features if features.ndim in (4, 5) else None
    maps = [found for found in map(last_map, features) if found is not None]
    return maps[-1] if maps else None


def _is_map_with_class_token(features: Sequence[Features]) -> bool:
    return (
        len(features) == 2
        and all(isinstance(item, Tensor) for item in features)
        and features[0].ndim in (4, 5)
        and features[1].ndim == 2
        and features[0].shape[:2] == features[1].shape
    )
