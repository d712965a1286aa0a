"""MLP classifier with cross entropy."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor, nn

from ...errors import MMFakeError
from ..pinned_data_preprocessor import upload
from .scoring_head import ScoringHead
from .targets import targets_of


@MODELS.register_module()
class MLPHead(ScoringHead):
    """MLP with cross entropy on the embedding of a clip or frame.

    "A 3 layer MLP was used to classify the embedding vector produced by the S3D" (arXiv 2308.13503,
    2.1). Widths, dropout and the averaging of clips are not given there. Without hidden layers it
    is a linear classifier.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Length of the embedding.
        hidden_channels (tuple[int]): Widths of the hidden layers, each with a ReLU; () for none.
            Defaults to (512, 256).
        dropout_ratio (float): Dropout before each layer. Defaults to 0.2.
        normalize (bool): Whether it classifies the direction of the embedding alone, a vector of
            unit length. Defaults to False.
        label_key (str): Field of the data sample that holds the label, a class or the
            probabilities of all classes. Defaults to 'gt_label'.
        loss_cls (dict, optional): Config of the loss. Defaults to None, which means
            ``dict(type='CrossEntropyLoss', loss_weight=1.0)``.
        label_smoothing (float): Share of the target that is spread evenly over all classes, from
            0 to below 1 (arXiv 1512.00567, 7). 0.02 of two classes trains towards 0.01 and 0.99.
            Defaults to 0.0.
        average_clips (str, optional): ``'prob'`` averages the probabilities of a video's clips,
            ``'score'`` their logits, None gives one row per clip. Every choice ends in
            probabilities. Defaults to 'prob'.
        init_cfg (dict, optional): Defaults to None, PyTorch's own initialisation.

    Raises:
        MMFakeError: If ``hidden_channels`` are no widths or ``label_smoothing`` is no such share.

    Examples:
        >>> head = MLPHead(num_classes=2, in_channels=1024)
        >>> head(torch.rand(8, 1024)).shape
        torch.Size([8, 2])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        hidden_channels: Sequence[int] = (512, 256),
        dropout_ratio: float = 0.2,
        normalize: bool = False,
        label_key: str = 'gt_label',
        loss_cls: Optional[Dict] = None,
        label_smoothing: float = 0.0,
        average_clips: Optional[str] = 'prob',
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            loss_cls=loss_cls or dict(type='CrossEntropyLoss', loss_weight=1.0),
            topk=1,
            average_clips=average_clips,
            init_cfg=init_cfg,
        )
        if not isinstance(hidden_channels, (tuple, list)) or not all(
            isinstance(width, int) and width > 0 for width in hidden_channels
        ):
            raise MMFakeError(
                f'MLPHead: hidden_channels={hidden_channels!r} is no tuple of widths; set such as '
                '(512, 256), or () for a linear classifier.'
            )
        if not 0 <= label_smoothing < 1:
            raise MMFakeError(
                f'MLPHead: label_smoothing={label_smoothing!r} is no share from 0 to below 1.'
            )
        self.normalize = normalize
        self.label_key = label_key
        self.label_smoothing = label_smoothing
        layers, width = [], in_channels
        for hidden in hidden_channels:
            layers += [nn.Dropout(dropout_ratio), nn.Linear(width, hidden), nn.ReLU(inplace=True)]
            width = hidden
        layers += [nn.Dropout(dropout_ratio), nn.Linear(width, num_classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Classify embeddings ``(N, in_channels)`` into logits ``(N, num_classes)``."""
        if self.normalize:
            x = F.normalize(x.float(), dim=1)  # outside half precision, whose squares overflow
        return self.layers(x)

    def loss_by_feat(self, cls_scores: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Cross entropy and top-1 accuracy.

        Args:
            cls_scores (Tensor): Logits, ``(N, num_classes)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples, each with a class or with the
                probabilities of all classes (a soft label, as ``MixupBlending`` makes it).

        Returns:
            dict[str, Tensor]: ``loss_ce`` and ``acc_top1``, that of the likeliest class.

        Raises:
            MMFakeError: If a label is neither a class of this head nor a soft label of its length.
        """
        # 1. labels are checked on the host, where a GPU does not have to be waited for
        targets = targets_of(data_samples, self.label_key, 'cpu')
        if targets.shape == cls_scores.shape:
            targets = targets.float()
        elif targets.ndim != 1 or targets.is_floating_point():
            told = f'of shape {tuple(targets.shape[1:])}' if targets.ndim > 1 else 'a fraction'
            raise MMFakeError(
                f'MLPHead: {self.label_key} is {told}, neither a class nor the probabilities of '
                f'{self.num_classes} classes; set label_key to another field of the data samples.'
            )
        elif targets.min() < 0 or targets.max() >= self.num_classes:
            wrong = next(x for x in targets.tolist() if not 0 <= x < self.num_classes)
            raise MMFakeError(
                f'MLPHead: a sample has {self.label_key}={wrong}, but num_classes='
                f'{self.num_classes}; set num_classes to 1 + the number of training manipulations '
                '(2 in the binary stream).'
            )
        # 2. loss and accuracy
        targets = upload(targets, cls_scores.device)
        classes = targets.argmax(dim=1) if targets.ndim > 1 else targets
        if self.label_smoothing:
            if targets.ndim == 1:
                targets = F.one_hot(targets, self.num_classes).float()
            targets = targets.lerp(
                torch.full_like(targets, 1 / self.num_classes), self.label_smoothing
            )
        accuracy = (cls_scores.argmax(dim=1) == classes).float().mean()
        # outside autocast's half precision, where the logarithm of a small probability is lost
        loss = self.loss_cls(cls_scores.float(), targets)
        # a loss of one's own may give several by name, as in mmaction2's heads
        return dict(loss if isinstance(loss, dict) else dict(loss_ce=loss), acc_top1=accuracy)
