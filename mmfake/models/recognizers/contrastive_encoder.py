"""The part of the model that label-informed MoCo copies."""

from __future__ import annotations

from typing import Dict

from torch import Tensor, nn

from .embedding import global_average_pool


class ContrastiveEncoder(nn.Module):
    """Encoder and projection heads: clips in, one key per contrastive stream out.

    It shares its modules with the recognizer it is taken from; :class:`mmfake.LabelMoCoHook` makes
    the moving-average copy of it.

    Args:
        backbone (nn.Module): The encoder.
        heads (dict[str, nn.Module]): Stream name -> its :class:`mmfake.ContrastiveHead`.
    """

    def __init__(self, backbone: nn.Module, heads: Dict[str, nn.Module]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(heads)

    def forward(self, inputs: Tensor) -> Dict[str, Tensor]:
        """Encode clips.

        Args:
            inputs (Tensor): Normalised clips, ``(N, M, C, T, H, W)`` with M clips per video.

        Returns:
            dict[str, Tensor]: Stream name -> unit vectors ``(N * M, D)``.
        """
        embedding = global_average_pool(self.backbone(inputs.flatten(0, 1)))  # (N*M, C)
        return {name: head(embedding) for name, head in self.heads.items()}
