"""Prompt head: a face is judged by the cosines of its embedding with those of texts (CLIP)."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ...datasets.manipulations import ATTRIBUTES
from ...errors import MMFakeError
from ..pinned_data_preprocessor import upload
from .prompts import FAKE
from .scoring_head import ScoringHead
from .targets import labels_of, targets_of


@MODELS.register_module()
class PromptHead(ScoringHead):
    """Joint embedding of faces and language prompts of three levels.

    Image and text share a space; a label holds as far as the face is nearer to its prompt than to
    the opposite one (Equations 1 and 2 of the joint-embedding detector, see
    :class:`mmfake.PairedPrompts`). The label of the first level, "fake", is the score: for test,
    threshold and inference the head is a classifier with two classes like :class:`mmfake.MLPHead`.
    The attributes of the further levels, several of which a face may have, are learnt beside it
    and explain it.

    Each level has a loss, the mean over its labels and the batch (Equations 3 to 5);
    :class:`mmfake.DynamicWeightAverageHook` weighs them (Equations 6 and 7).

    The texts are encoded once in each step of training, and once in each test or validation. Do
    not change the weights of the text encoder in eval mode: call ``train()`` or ``eval()`` after.

    Args:
        text (dict): Config of the text encoder, e.g. :class:`mmfake.CLIPTextEncoder`: a module with
            ``tokenize(texts) -> (P, L)``, ``forward(tokens) -> (P, C)`` and ``out_channels``.
        prompts (dict, optional): Config of the texts and what they say: :class:`PairedPrompts`,
            :class:`GraphPrompts` or :class:`JointPrompts`. Defaults to None, which means
            ``dict(type='mmfake.PairedPrompts')``.
        loss_cls (dict, optional): Config of the loss, called with logits ``(N, K)`` and labels.
            Defaults to None, which means ``dict(type='mmfake.FidelityLoss')``.
        train_text (bool): Whether the text encoder learns. Defaults to True.
        label_key (str): Field of the data sample with 0 for an original and 1 for a fake. Defaults
            to 'label_bin'.
        average_clips (str, optional): As for :class:`mmfake.MLPHead`. Defaults to 'prob'.
        init_cfg (dict, optional): Defaults to None.

    Raises:
        MMFakeError: If a prompt needs a vocabulary that is not there; from ``loss`` if a sample
            does not tell which attributes are altered.
    """

    ATTRIBUTE_KEY = 'attributes'  # of a data sample, see mmfake.FFPPDataset
    PREDICTION_KEY = 'pred_prompts'  # label -> probability, which predict() adds to a data sample

    def __init__(
        self,
        text: Dict,
        prompts: Optional[Dict] = None,
        loss_cls: Optional[Dict] = None,
        train_text: bool = True,
        label_key: str = 'label_bin',
        average_clips: Optional[str] = 'prob',
        init_cfg: Optional[Dict] = None,
    ) -> None:
        encoder = MODELS.build(text)
        super().__init__(
            num_classes=2,
            in_channels=encoder.out_channels,
            loss_cls=loss_cls or dict(type='mmfake.FidelityLoss'),
            average_clips=average_clips,
            init_cfg=init_cfg,
        )
        self.text = encoder
        self.prompts = MODELS.build(prompts or dict(type='mmfake.PairedPrompts'))
        self.label_key, self.train_text = label_key, train_text
        if not train_text:
            self.text.requires_grad_(False)
        self.register_buffer('tokens', encoder.tokenize(self.prompts.texts), persistent=False)
        self._encoded: Optional[Tensor] = None

    @property
    def labels(self) -> List[str]:
        """list[str]: What each of the K probabilities is of, the score first."""
        return self.prompts.labels

    @property
    def facts(self) -> Dict[str, Any]:
        """What decides the score and is no tensor of the state dict, for PreprocessingHook."""
        told = {f'prompts.{key}': fact for key, fact in getattr(self.prompts, 'facts', {}).items()}
        # of another vocabulary the same texts are other tokens
        digest = hashlib.sha256(str(self.tokens.tolist()).encode()).hexdigest()[:8]
        return dict(told, tokenizer=f'one that makes tokens {digest} of the prompts')

    def text_embeddings(self) -> Tensor:
        """Embeddings of the texts, ``(P, C)`` of unit length in float32."""
        if self.training and self.train_text:
            return self._encode()
        if self._encoded is None or self._encoded.device != self.tokens.device:
            # also of use to a later gradient, whatever mode this is called in
            with torch.inference_mode(False), torch.no_grad():
                self._encoded = self._encode()
        return self._encoded

    def _encode(self) -> Tensor:
        return F.normalize(self.text(self.tokens).float(), dim=1)

    def train(self, mode: bool = True) -> PromptHead:
        """Switch between training and test, and forget the texts: their weights may differ now."""
        self._encoded = None
        return super().train(mode)

    def _load_from_state_dict(self, *args) -> None:
        self._encoded = None
        super()._load_from_state_dict(*args)

    def prompt_logits(self, x: Tensor) -> Tensor:
        """Logits ``(N, K)`` of all labels for embeddings ``(N, C)``, in float32.

        Raises:
            MMFakeError: If the embeddings are not as long as those of the texts.
        """
        if x.shape[1] != self.in_channels:
            raise MMFakeError(
                f'PromptHead: the backbone gives embeddings of length {x.shape[1]}, the text '
                f'encoder of {self.in_channels}; give both the same projection_dim.'
            )
        texts = self.text_embeddings()  # with the autocast of the image encoder
        with torch.autocast(x.device.type, enabled=False):
            cosines = F.normalize(x.float(), dim=1) @ texts.T  # (N, P)
            return self.prompts(cosines)

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Logits ``(N, 2)`` of original and fake for embeddings ``(N, C)``."""
        return _two_classes(self.prompt_logits(x))

    def loss(self, x: Tensor, data_samples: SampleList, **kwargs) -> Dict[str, Tensor]:
        """One loss per level, and what the log shows.

        Args:
            x (Tensor): Embeddings, ``(N, C)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples with ``label_bin`` and, if there
                is more than the binary level, ``attributes``.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            dict[str, Tensor]: ``loss_binary``, ``loss_global``, ``loss_local``; ``acc_top1``, that
            of the score; ``positives_<label>``, the number of samples that a label holds for.

        Raises:
            MMFakeError: If a sample does not tell which attributes are altered, or a label is no
                probability.
        """
        logits = self.prompt_logits(x)  # (N, K)
        targets = self._targets(data_samples, logits.device)  # (N, K)
        losses = {
            f'loss_{level}': self.loss_cls(logits[:, columns], targets[:, columns])
            for level, columns in self.prompts.columns.items()
        }
        hits = (logits[:, 0] > 0) == (targets[:, 0] > 0)
        losses['acc_top1'] = hits.float().mean()
        for label, count in zip(self.labels, targets.sum(dim=0)):
            losses[f'positives_{label.replace(" ", "_")}'] = count
        return losses

    def predict(self, x: Tensor, data_samples: SampleList, **kwargs) -> SampleList:
        """Score videos, and add the probability of every label as ``pred_prompts``, a dict.

        Args:
            x (Tensor): Embeddings, ``(N * M, C)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
            **kwargs: Unused; mmaction2's contract.

        Returns:
            list[:obj:`ActionDataSample`]: The samples.
        """
        logits = self.prompt_logits(x)
        probabilities = self.average_prompts(logits, len(logits) // len(data_samples))
        for sample, row in zip(data_samples, probabilities.tolist()):
            sample.set_field(dict(zip(self.labels, row)), self.PREDICTION_KEY)
        return self.predict_by_feat(_two_classes(logits), data_samples)

    def _targets(self, data_samples: SampleList, device: torch.device) -> Tensor:
        """Labels ``(N, K)`` float32 of zeros and ones."""
        # checked and put in order on the host, where a GPU does not have to be waited for
        targets = labels_of(data_samples, self.label_key, 'cpu')[:, None]  # (N, 1)
        if self.labels != [FAKE]:
            untold = next((s for s in data_samples if s.get(self.ATTRIBUTE_KEY) is None), None)
            if untold is not None:
                raise MMFakeError(
                    f'PromptHead: {untold.get("video_id", "a sample")} does not tell which '
                    f"attributes are altered; name '{self.ATTRIBUTE_KEY}' in the algorithm_keys of "
                    'PackActionInputs, or name them in register_manipulation of its method.'
                )
            altered = targets_of(data_samples, self.ATTRIBUTE_KEY, 'cpu')  # (N, 7)
            names = [FAKE, *ATTRIBUTES]
            every = torch.cat([targets, altered], dim=1)  # (N, 8)
            targets = every[:, [names.index(label) for label in self.labels]]
        wrong = targets[(targets < 0) | (targets > 1)]
        if len(wrong):
            raise MMFakeError(
                f'PromptHead: a sample has {wrong[0].item():g} in {self.label_key} or '
                f'{self.ATTRIBUTE_KEY}; a label is a probability from 0 to 1.'
            )
        return upload(targets.float(), device)


def _two_classes(logits: Tensor) -> Tensor:
    """Logits ``(N, 2)`` whose softmax is the probability of the first label and the rest."""
    score = logits[:, 0]
    return torch.stack([torch.zeros_like(score), score], dim=1)
