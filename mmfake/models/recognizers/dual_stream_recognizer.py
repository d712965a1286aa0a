"""Multi-task recognizer: one encoder, a binary stream that scores, further streams that train."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

import torch
from mmaction.models.recognizers import Recognizer3D
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, OptSampleList, SampleList
from torch import Tensor, nn

from ...compat.checkpoints import META
from ...datasets.unreadable import is_unreadable, readable
from ...errors import MMFakeError, sample_of
from ..labelled_queue import LabelledQueue
from ..trained_facts import (
    CLIP_SHAPE,
    PREPROCESSING,
    check_clip_shape,
    check_preprocessing,
    preprocessing_of,
)
from .light_tuning import freeze_others, keep_frozen_norms_still, report_trained
from .pooling import Features, GlobalPool
from .stream import Stream


def has_sync_norm(encoder: nn.Module) -> bool:
    """Whether its batch norms exchange statistics, so that every rank has to run it.

    A rank without anything to encode runs it on an empty batch, which convolutions take, and many
    transformers do not.
    """
    return any('SyncBatchNorm' in type(module).__name__ for module in encoder.modules())


class ContrastiveEncoder(nn.Module):
    """Encoder and projection heads: clips in, one key per contrastive stream out.

    It shares its modules with the recognizer it is taken from; :class:`mmfake.LabelMoCoHook` makes
    the moving-average copy of it.

    Args:
        backbone (nn.Module): The encoder.
        heads (dict[str, nn.Module]): Stream name -> its :class:`mmfake.ContrastiveHead`.
        pool (nn.Module): Pools the features of the encoder, without tensors of its own.
    """

    def __init__(self, backbone: nn.Module, heads: Dict[str, nn.Module], pool: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(heads)
        self.pool = pool

    def forward(self, inputs: Tensor) -> Dict[str, Tensor]:
        """Encode ``(N, M, ...)`` clips into unit vectors ``(N*M, D)`` per stream."""
        embedding = self.pool(self.backbone(inputs.flatten(0, 1)))  # (N*M, C)
        return {name: head(embedding) for name, head in self.heads.items()}


@MODELS.register_module()
class DualStreamRecognizer(Recognizer3D):
    """Detector of manipulated face videos with multi-task training (arXiv 2308.13503).

    The encoder's features are pooled to an embedding. The binary stream (0 original,
    1 manipulated) is the one of interest; the multi-class stream (0 original, one class per
    training manipulation) and any further streams only shape the encoder in training and do not
    run at test. Which heads exist, and whether a neck cuts the gradient before a classifier, makes
    the regime.

    Inputs are clips ``(N, M, C, T, H, W)`` for a 3-D encoder or frames ``(N, M, C, H, W)`` for a
    2-D one; each of the M is encoded by itself and a video has the average of their scores.
    Losses are named by stream: ``binary.loss_ce``, ``binary.loss_contrast``, ``multi.loss_ce``,
    ``multi.loss_contrast``. A video marked ``unreadable`` by the dataset takes no part in the loss
    and gets a NaN score.

    Hooks and inference ask a model for no more than this, so another class can take its place:
    ``cls_head`` (the scoring head), ``classifiers`` and :meth:`classify` (name -> head, name ->
    logits), :meth:`saliency_layer`; for :class:`mmfake.LabelMoCoHook` ``streams``,
    :meth:`contrastive_encoder` and :meth:`attach_queues`; and :meth:`weigh_losses` for
    :class:`mmfake.DynamicWeightAverageHook`.

    Args:
        backbone (dict): Config of the encoder: :class:`mmfake.S3D` or any of mmaction2.
        binary (dict): Arguments of the binary :class:`Stream`: ``cls_head`` (needed for a score),
            ``contrastive_head``, ``neck``.
        multi (dict, optional): The same for the multi-class stream. Defaults to None, no stream.
        streams (dict[str, dict], optional): Further streams by name, whose weights are
            ``<name>.*`` in the ``state_dict``. Defaults to None.
        pooling (dict, optional): Arguments of :class:`GlobalPool`, for an encoder of tokens.
            Defaults to None.
        trainable (list[str], optional): Regular expressions; only the parameters of the model in
            whose name one of them is found are trained, such as ``['norm', '^binary']``. Batch
            norms without a trained parameter stay in eval mode. Defaults to None, all are trained.
        train_cfg (dict, optional): As in mmaction2. Defaults to None.
        test_cfg (dict, optional): As in mmaction2; ``max_testing_views`` bounds the clips that are
            encoded at once. Defaults to None.
        data_preprocessor (dict, optional): Config of :class:`mmfake.PinnedDataPreprocessor`
            or mmaction2's ``ActionDataPreprocessor``. Defaults to None.

    Raises:
        MMFakeError: If the binary stream has no classifier, a stream cannot have its name, or a
            pattern of ``trainable`` matches nothing.
    """

    SCORE = 'binary'  # the stream that scores a video
    PROMPTS = 'prompts'  # in classify(), the labels that a scoring head tells beside its score

    def __init__(
        self,
        backbone: ConfigType,
        binary: ConfigType,
        multi: OptConfigType = None,
        streams: Optional[Dict[str, ConfigType]] = None,
        pooling: OptConfigType = None,
        trainable: Optional[Sequence[str]] = None,
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
        self.pool = GlobalPool(**(pooling or {}))
        self.binary = Stream(**binary)
        self.multi = Stream(**multi) if multi else None
        for name, stream in (streams or {}).items():
            if not name.isidentifier() or hasattr(self, name):
                raise MMFakeError(f'model.streams.{name}: the name is taken; choose another.')
            self.add_module(name, Stream(**stream))
        self._loss_weights: Dict[str, float] = {}
        self.trained_with: Dict[str, Any] = {}
        self.trainable = trainable
        if trainable is not None:
            freeze_others(self, trainable)

    def init_weights(self) -> None:
        """Initialise every part, and log what of it is trained."""
        super().init_weights()
        if self.trainable is not None:
            report_trained(self, self.trainable)

    def train(self, mode: bool = True) -> DualStreamRecognizer:
        """Switch between training and eval mode; the statistics of what is frozen stay."""
        super().train(mode)
        if mode and self.trainable is not None:
            keep_frozen_norms_still(self)
        return self

    @property
    def cls_head(self) -> nn.Module:
        """The binary classifier, where mmaction2's tools look for a recognizer's head."""
        return self.streams[self.SCORE].cls_head

    @property
    def streams(self) -> Dict[str, Stream]:
        """Name -> stream, of those that exist, the scoring one first."""
        return {name: part for name, part in self.named_children() if isinstance(part, Stream)}

    @property
    def classifiers(self) -> Dict[str, nn.Module]:
        """Name of a stream -> its classifier, the scoring one first."""
        heads = {name: stream.cls_head for name, stream in self.streams.items()}
        return {name: head for name, head in heads.items() if head is not None}

    def classify(self, inputs: Tensor) -> Dict[str, Tensor]:
        """Logits ``(N*M, num_classes)`` of every classifier, by stream.

        A scoring head with ``prompt_logits``, such as :class:`mmfake.PromptHead`, adds those under
        :attr:`PROMPTS`: ``(N*M, K)``.

        Args:
            inputs (Tensor): Normalised clips or frames, ``(N, M, ...)``.
        """
        embedding, _ = self.extract_feat(inputs)
        logits = {name: self.streams[name].classify(embedding) for name in self.classifiers}
        if hasattr(self.cls_head, 'prompt_logits'):
            read, _ = self.streams[self.SCORE].classifier_input(embedding)
            logits[self.PROMPTS] = self.cls_head.prompt_logits(read)
        return logits

    def saliency_layer(self) -> Optional[nn.Module]:
        """The layer whose activations and gradients show what drove the score (Grad-CAM).

        It is the one that the backbone names in an attribute ``saliency_layer``; None where it
        names none, or where a neck may keep the gradient of the classifier from reaching it.
        """
        name = getattr(self.backbone, 'saliency_layer', None)
        if name is None or self.streams[self.SCORE].neck is not None:
            return None
        return self.backbone.get_submodule(name)

    def contrastive_encoder(self) -> Optional[ContrastiveEncoder]:
        """Encoder and projection heads as one module, None without a contrastive head."""
        heads = {
            name: stream.contrastive_head
            for name, stream in self.streams.items()
            if stream.contrastive_head is not None
        }
        return ContrastiveEncoder(self.backbone, heads, self.pool) if heads else None

    def attach_queues(self, queues: Dict[str, LabelledQueue]) -> None:
        """Give each contrastive head the queue it contrasts with, by stream name."""
        for name, queue in queues.items():
            self.streams[name].contrastive_head.queue = queue

    def weigh_losses(self, weights: Dict[str, float]) -> None:
        """Multiply losses from now on, by their names in the log: ``'binary.loss_ce'``."""
        self._loss_weights = weights

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, *args) -> None:
        """Refuse weights that would leave a part of the score at random.

        mmengine only warns of missing keys, so a file of another model would be tested unnoticed.
        Heads that do not take part in the score may be absent: they serve training only. The meta
        of the checkpoint is kept, for the first prediction.
        """
        meta = args[0].get(META, {})
        self.trained_with = {key: meta[key] for key in (PREPROCESSING, CLIP_SHAPE) if key in meta}
        scoring = ('backbone.', f'{self.SCORE}.neck.', f'{self.SCORE}.cls_head.')
        needed = {
            key: value.shape for key, value in self.state_dict().items() if key.startswith(scoring)
        }
        wrong = [
            key
            for key, shape in needed.items()
            if prefix + key not in state_dict or state_dict[prefix + key].shape != shape
        ]
        if wrong:
            raise MMFakeError(
                f'the checkpoint lacks {len(wrong)} of the {len(needed)} tensors of encoder and '
                f'{self.SCORE} classifier, or has them in another shape: {sample_of(wrong)}; use '
                'the config it was trained with (weights of an encoder alone go to '
                'model.backbone.init_cfg).'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extract_feat(
        self,
        inputs: Tensor,
        stage: str = 'neck',
        data_samples: OptSampleList = None,
        test_mode: bool = False,
    ) -> Tuple[Features, dict]:
        """Encode clips or frames.

        Args:
            inputs (Tensor): Normalised, ``(N, M, ...)`` with M clips or frames per video.
            stage (str): ``'backbone'`` for what the backbone gives, ``'neck'`` for the embedding,
                ``'head'`` for the binary logits. Defaults to 'neck'.
            data_samples (list[:obj:`ActionDataSample`], optional): Unused. Defaults to None.
            test_mode (bool): Whether to honour ``test_cfg`` and return what the binary classifier
                reads. Defaults to False.

        Returns:
            tuple[Tensor, dict]: ``(N * M, ...)`` and the keyword arguments for the head, none.

        Raises:
            MMFakeError: If the encoder takes frames together that are not those of one video.
        """
        segments = self._segments(inputs)
        views = inputs.flatten(0, 1)  # (N, M, C, T, H, W) -> (N*M, C, T, H, W)
        if test_mode:
            at_once = (self.test_cfg or {}).get('max_testing_views') or len(views)
            at_once = max(at_once - at_once % segments, segments)
            parts = [self.pool(self.backbone(part)) for part in views.split(at_once)]
            embedding = torch.cat(parts)  # (N*M, C)
        else:
            features = self.backbone(views)
            if stage == 'backbone':
                return features, {}
            embedding = self.pool(features)
        stream = self.streams[self.SCORE]
        if stage == 'head':
            return stream.classify(embedding), {}
        return (stream.classifier_input(embedding)[0] if test_mode else embedding), {}

    def _segments(self, inputs: Tensor) -> int:
        """Frames that the encoder takes together, such as a TSM, which must be those of a video.

        Raises:
            MMFakeError: If it would take those of several videos, or parts of one, together.
        """
        segments, name = getattr(self.backbone, 'num_segments', None), type(self.backbone).__name__
        if not isinstance(segments, int):
            return 1
        if inputs.ndim != 5 or inputs.shape[1] != segments:
            frames = inputs.shape[1] if inputs.ndim == 5 else 'clips'
            raise MMFakeError(
                f'backbone {name} takes num_segments={segments} frames of one video together, and '
                f'gets {frames} of each: take clips of clip_len={segments} and '
                f"backbone=dict(type='mmfake.PerFrame', backbone=dict(type='{name}', ...))."
            )
        return segments

    def loss(self, inputs: Tensor, data_samples: SampleList, **kwargs) -> Dict[str, Tensor]:
        """Losses and monitors of all streams over the readable videos of a batch.

        Args:
            inputs (Tensor): Normalised clips or frames, ``(N, M, ...)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            dict[str, Tensor]: ``<stream>.loss_*`` and ``<stream>.<monitor>``.

        Raises:
            MMFakeError: If a loss that is to be weighed does not exist.
        """
        inputs, data_samples = readable(inputs, data_samples)
        if not data_samples:  # a zero with a graph to every parameter, so that DDP goes on
            zero = sum(parameter.sum() for parameter in self.parameters()) * 0.0
            if has_sync_norm(self.backbone):  # where the other ranks wait for this one
                zero = zero + self.pool(self.backbone(inputs.flatten(0, 1))).sum() * 0.0
            return dict(loss_no_readable_video=zero)
        clips = inputs.shape[1]
        data_samples = [sample for sample in data_samples for _ in range(clips)]  # N*M
        features, _ = self.extract_feat(inputs, stage='backbone')
        embedding = self.pool(features)
        losses = {}
        for name, stream in self.streams.items():
            for key, value in stream.loss(features, embedding, data_samples, clips).items():
                losses[f'{name}.{key}'] = value
        for name, weight in self._loss_weights.items():
            if name not in losses:
                raise MMFakeError(
                    f'there is no loss {name!r} to weigh; the losses of this model are '
                    f'{", ".join(key for key in losses if "loss" in key)}.'
                )
            losses[name.replace('loss', 'raw')] = losses[name].detach()
            losses[name.replace('loss', 'weight')] = torch.full((), weight, device=embedding.device)
            losses[name] = losses[name] * weight
        return losses

    def parse_losses(self, losses: Dict[str, Any]) -> Tuple[Tensor, Dict[str, Tensor]]:
        """mmengine's, with all values for the log fetched from a GPU at once, not one by one.

        A monitor that is NaN beside a finite loss has nothing to show, and is left out.
        """
        loss, shown = super().parse_losses(losses)
        values = torch.stack([value.detach() for value in shown.values()]).cpu()
        shown = dict(zip(shown, values))
        if shown['loss'].isfinite():
            shown = {name: value for name, value in shown.items() if not value.isnan()}
        return loss, shown

    def predict(self, inputs: Tensor, data_samples: SampleList, **kwargs) -> SampleList:
        """Score videos with the binary stream alone.

        Args:
            inputs (Tensor): Normalised clips or frames, ``(N, M, ...)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            list[:obj:`ActionDataSample`]: With ``pred_score`` = [p_original, p_manipulated], NaN
            for an unreadable video, and ``num_clips`` = M, which a sampler need not know.

        Raises:
            MMFakeError: If the weights were trained with clips of another shape or with another
                preprocessing; a run compares and clears ``trained_with`` by its hooks.
        """
        if self.trained_with:
            check_clip_shape(self.trained_with.get(CLIP_SHAPE), inputs.shape[2:])
            check_preprocessing(self.trained_with.get(PREPROCESSING), preprocessing_of(self))
            self.trained_with = {}
        predictions = super().predict(inputs, data_samples, **kwargs)
        for sample in predictions:
            sample.pop('num_clips', None)  # a config may have packed it as either kind of field
            sample.set_metainfo(dict(num_clips=inputs.shape[1]))
            if is_unreadable(sample):
                sample.set_pred_score(torch.full_like(sample.pred_score, float('nan')))
        return predictions
