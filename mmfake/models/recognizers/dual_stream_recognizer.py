"""The detector: one encoder, a binary stream and a multi-class stream."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import torch
from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, OptSampleList, SampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...datasets.unreadable import is_unreadable, readable
from ...errors import MMFakeError, sample_of
from ..labelled_queue import LabelledQueue
from .pooling import global_average_pool


class Stream(BaseModule):
    """The heads that read the embedding under one definition of the label.

    Args:
        cls_head (dict, optional): Config of the classifier. Defaults to None.
        contrastive_head (dict, optional): Config of the projection head. Defaults to None.
        neck (dict, optional): Config of a neck between the embedding and the CLASSIFIER; the
            projection head reads the embedding itself. Defaults to None.
    """

    def __init__(
        self,
        cls_head: Optional[Dict] = None,
        contrastive_head: Optional[Dict] = None,
        neck: Optional[Dict] = None,
    ) -> None:
        super().__init__()
        self.neck = MODELS.build(neck) if neck else None
        self.cls_head = MODELS.build(cls_head) if cls_head else None
        self.contrastive_head = MODELS.build(contrastive_head) if contrastive_head else None

    def classifier_input(
        self, embedding: Tensor, data_samples: OptSampleList = None
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """What the classifier reads, in training and at test: the embedding behind the neck.

        Args:
            embedding (Tensor): ``(N, C)``.
            data_samples (list[:obj:`ActionDataSample`], optional): N samples, for a neck with a
                loss of its own. Defaults to None.

        Returns:
            tuple[Tensor, dict]: The features and the auxiliary losses of the neck.
        """
        if self.neck is None:
            return embedding, {}
        return self.neck(embedding, data_samples=data_samples)

    def loss(self, embedding: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Losses and monitors of every head of the stream.

        Args:
            embedding (Tensor): ``(N, C)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
        """
        losses: Dict[str, Tensor] = {}
        if self.cls_head is not None:
            features, auxiliary = self.classifier_input(embedding, data_samples)
            losses.update(auxiliary)
            losses.update(self.cls_head.loss(features, data_samples))
        if self.contrastive_head is not None:
            losses.update(self.contrastive_head.loss(embedding, data_samples))
        return losses


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


@MODELS.register_module()
class DualStreamRecognizer(Recognizer3D):
    """Detector of manipulated face videos with multi-task training (arXiv 2308.13503).

    The encoder's feature map is averaged to an embedding. The binary stream (0 original,
    1 manipulated) is the one of interest; the multi-class stream (0 original, one class per
    training manipulation) only shapes the encoder in training and does not run at test. Which
    heads exist, and whether a neck cuts the gradient before a classifier, makes the regime.

    Losses are named by stream: ``binary.loss_ce``, ``binary.loss_contrast``, ``multi.loss_ce``,
    ``multi.loss_contrast``. A video marked ``unreadable`` by the dataset takes no part in the loss
    and gets a NaN score.

    Args:
        backbone (dict): Config of the encoder, :class:`mmfake.S3D` or a 3-D backbone of mmaction2.
        binary (dict): Arguments of the binary :class:`Stream`: ``cls_head`` (needed for a score),
            ``contrastive_head``, ``neck``.
        multi (dict, optional): The same for the multi-class stream. Defaults to None, no stream.
        train_cfg (dict, optional): As in mmaction2. Defaults to None.
        test_cfg (dict, optional): As in mmaction2; ``max_testing_views`` bounds the clips of a
            video that are encoded at once. Defaults to None.
        data_preprocessor (dict, optional): Config of ``ActionDataPreprocessor``. Defaults to None.

    Raises:
        MMFakeError: If the binary stream has no classifier.
    """

    def __init__(
        self,
        backbone: ConfigType,
        binary: ConfigType,
        multi: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
    ) -> None:
        super().__init__(
            backbone,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
        )
        if not binary.get('cls_head'):
            raise MMFakeError(
                'model.binary.cls_head is missing; every regime scores a video with the binary '
                "classifier: set it to dict(type='mmfake.MLPHead', num_classes=2, ...)."
            )
        self.binary = Stream(**binary)
        self.multi = Stream(**multi) if multi else None

    @property
    def cls_head(self) -> nn.Module:
        """The binary classifier, where mmaction2's tools look for a recognizer's head."""
        return self.binary.cls_head

    @property
    def streams(self) -> Dict[str, Stream]:
        """Name -> stream, of those that exist."""
        streams = dict(binary=self.binary, multi=self.multi)
        return {name: stream for name, stream in streams.items() if stream is not None}

    def contrastive_encoder(self) -> Optional[ContrastiveEncoder]:
        """Encoder and projection heads as one module, None without a contrastive head."""
        heads = {
            name: stream.contrastive_head
            for name, stream in self.streams.items()
            if stream.contrastive_head is not None
        }
        return ContrastiveEncoder(self.backbone, heads) if heads else None

    def attach_queues(self, queues: Dict[str, LabelledQueue]) -> None:
        """Give each contrastive head the queue it contrasts with, by stream name."""
        for name, queue in queues.items():
            self.streams[name].contrastive_head.queue = queue

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, *args) -> None:
        """Refuse weights that would leave a part of the score at random.

        mmengine only warns of missing keys, so a file of another model would be tested unnoticed.
        Heads that do not take part in the score may be absent: they serve training only.
        """
        needed = {
            key: value.shape
            for key, value in self.state_dict().items()
            if key.startswith(('backbone.', 'binary.neck.', 'binary.cls_head.'))
        }
        wrong = [
            key
            for key, shape in needed.items()
            if prefix + key not in state_dict or state_dict[prefix + key].shape != shape
        ]
        if wrong:
            raise MMFakeError(
                f'the checkpoint lacks {len(wrong)} of the {len(needed)} tensors of encoder and '
                f'binary classifier, or has them in another shape: {sample_of(wrong)}; use the '
                'config it was trained with (weights of an encoder alone go to '
                'model.backbone.init_cfg).'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extract_feat(
        self,
        inputs: Tensor,
        stage: str = 'neck',
        data_samples: OptSampleList = None,
        test_mode: bool = False,
    ) -> Tuple[Tensor, dict]:
        """Encode clips.

        Args:
            inputs (Tensor): Normalised clips, ``(N, M, C, T, H, W)`` with M clips per video.
            stage (str): ``'backbone'`` for the feature map, ``'neck'`` for the embedding,
                ``'head'`` for the binary logits. Defaults to 'neck'.
            data_samples (list[:obj:`ActionDataSample`], optional): Unused. Defaults to None.
            test_mode (bool): Whether to honour ``test_cfg`` and return what the binary classifier
                reads. Defaults to False.

        Returns:
            tuple[Tensor, dict]: ``(N * M, ...)`` and the keyword arguments for the head.
        """
        if test_mode:
            x, head_kwargs = super().extract_feat(inputs, test_mode=True)
        else:
            x, head_kwargs = super().extract_feat(inputs, stage='backbone')
            if stage == 'backbone':
                return x, head_kwargs
        x = global_average_pool(x)  # (N*M, C, T', H', W') -> (N*M, C)
        if test_mode or stage == 'head':
            x, _ = self.binary.classifier_input(x)
        return (self.cls_head(x) if stage == 'head' else x), head_kwargs

    def loss(self, inputs: Tensor, data_samples: SampleList, **kwargs) -> Dict[str, Tensor]:
        """Losses and monitors of both streams over the readable videos of a batch.

        Args:
            inputs (Tensor): Normalised clips, ``(N, M, C, T, H, W)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            dict[str, Tensor]: ``<stream>.loss_*`` and ``<stream>.<monitor>``.
        """
        inputs, data_samples = readable(inputs, data_samples)
        if not data_samples:  # a zero with a graph to every parameter, so that DDP goes on
            zero = sum(parameter.sum() for parameter in self.parameters()) * 0.0
            return dict(loss_no_readable_video=zero)
        clips = inputs.shape[1]
        data_samples = [sample for sample in data_samples for _ in range(clips)]  # N*M
        embedding, _ = self.extract_feat(inputs)
        losses = {}
        for name, stream in self.streams.items():
            for key, value in stream.loss(embedding, data_samples).items():
                losses[f'{name}.{key}'] = value
        return losses

    def predict(self, inputs: Tensor, data_samples: SampleList, **kwargs) -> SampleList:
        """Score videos with the binary stream alone.

        Args:
            inputs (Tensor): Normalised clips, ``(N, M, C, T, H, W)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            list[:obj:`ActionDataSample`]: With ``pred_score`` = [p_original, p_manipulated], NaN
            for an unreadable video.
        """
        predictions = super().predict(inputs, data_samples, **kwargs)
        for sample in predictions:
            if is_unreadable(sample):
                sample.set_pred_score(torch.full_like(sample.pred_score, float('nan')))
        return predictions
