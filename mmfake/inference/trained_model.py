"""Trained detector: weights, decision threshold and what they were trained on."""

from __future__ import annotations

import copy
from typing import Dict, Optional

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import Tensor, nn

from ..errors import MMFakeError
from ..models.trained_facts import preprocessing_of
from .clip_pipeline import ClipPipeline
from .detector import ClipScores, Detector
from .precision import set_precision


class TrainedModel(Detector):
    """A detector with its weights.

    The weights are read by mmfake's loader, which runs nothing that is in the file; the model is
    that of the config, never of the checkpoint: a :class:`mmfake.DualStreamRecognizer`, or another
    recognizer with ``backbone``, ``cls_head``, ``classifiers``, ``classify`` and ``saliency_layer``
    as described there.

    Args:
        cfg (Config): Config it was trained with.
        checkpoint (str): Checkpoint file.
        device (str, optional): Where it runs. Defaults to None: a GPU if there is one.
        precision (str): What it computes in, as :func:`set_precision` says. Defaults to 'fp32'.

    Attributes:
        model (nn.Module): The recognizer, which judges in eval mode.
        device (torch.device): Where it is.

    Raises:
        MMFakeError: If config, checkpoint or device will not do.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str,
        device: Optional[str] = None,
        precision: str = 'fp32',
    ) -> None:
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        self.device = _device(device)
        self.model = _build(cfg)
        pipeline = ClipPipeline(cfg)
        loaded = load_checkpoint(self.model, checkpoint, map_location='cpu', logger='silent')
        self.model.to(self.device).eval()
        meta, head = loaded.get('meta') or {}, self.model.cls_head
        own = preprocessing_of(self.model, pipeline.sampler)
        super().__init__(cfg, checkpoint, meta, pipeline, own, head, getattr(head, 'labels', ()))
        self._family = self._family_of(loaded.get('state_dict', loaded))
        self.classes = self.methods if self._family else ()
        self.facts['device'] = str(self.device)
        self.precision = set_precision(self, precision)
        self.facts['precision'] = self.precision.name

    def _family_of(self, weights: Dict[str, Tensor]) -> Optional[str]:
        """Name of the stream that tells the methods of the training apart, if it was trained."""
        for name, head in self.model.classifiers.items():
            stored = any(key.startswith(f'{name}.cls_head.') for key in weights)
            fits = head.num_classes == len(self.methods)
            if head is not self.model.cls_head and stored and fits:
                return name
        return None

    def preprocess(self, clips: Tensor) -> Tensor:
        """Normalise clips or frames of the test pipeline, (N, ...) -> (N, 1, ...), and judge."""
        # whatever its owner has done meanwhile; not each time, as it forgets encoded prompts
        if any(module.training for module in self.model.modules()):
            self.model.eval()
        data = dict(inputs=[clip[None] for clip in clips], data_samples=None)
        return self.model.data_preprocessor(data, False)['inputs']

    @torch.no_grad()
    def score(self, clips: Tensor) -> ClipScores:
        """Judge clips or frames, see :meth:`Detector.score`."""
        said = self.judge(self.preprocess(clips))
        return ClipScores(*(None if part is None else part.cpu() for part in said))

    def judge(self, inputs: Tensor) -> ClipScores:
        """Judge normalised clips or frames, (N, 1, ...), where the model is."""
        logits = self.model.classify(inputs)
        family = prompts = None
        if self._family:
            family = logits[self._family].float().softmax(dim=1)
        if self.prompts:
            prompts = logits[self.model.PROMPTS].float()
        scores = next(iter(logits.values()))  # the scoring head comes first
        return ClipScores(scores.float(), family, prompts)


_ASKED_OF_A_MODEL = ('backbone', 'cls_head', 'classifiers', 'classify', 'saliency_layer')


def _build(cfg: Config) -> nn.Module:
    """Build the model, without looking for weights to start a training from."""
    if 'model' not in cfg:
        raise MMFakeError('the config has no model; use one of configs/mtl')
    try:
        model = MODELS.build(copy.deepcopy(cfg.model))
    except (TypeError, KeyError) as error:  # an unknown argument, an unknown type
        raise MMFakeError(f'model of the config: {str(error).splitlines()[0]}') from None
    lacking = [name for name in _ASKED_OF_A_MODEL if not hasattr(model, name)]
    if lacking or model.cls_head.num_classes != 2:
        told = f'without {", ".join(lacking)}' if lacking else 'whose cls_head has other classes'
        raise MMFakeError(
            f'model of the config is a {type(model).__name__} {told}; it has to be an '
            'mmfake.DualStreamRecognizer, or offer what that does, and score with num_classes=2'
        )
    return model


def _device(name: Optional[str]) -> torch.device:
    name = name or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise MMFakeError(
            f'device {name!r} cannot be used here ({reason}); use --device cpu'
        ) from None
