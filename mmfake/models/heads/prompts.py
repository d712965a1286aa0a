"""Language prompts of three levels, and what the cosines with them say of a face."""

from __future__ import annotations

from itertools import product
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from ...datasets.manipulations import GLOBAL_ATTRIBUTES, LOCAL_ATTRIBUTES
from ...errors import MMFakeError

FAKE = 'fake'
"""str: The label of the binary level; its probability is the score of a detector."""

LEVELS: Dict[str, Tuple[str, ...]] = {
    'binary': (FAKE,),
    'global': GLOBAL_ATTRIBUTES,
    'local': LOCAL_ATTRIBUTES,
}
"""dict[str, tuple[str]]: The labels of each level, 1 + 3 + 4."""

TEMPLATES: Dict[str, Tuple[str, str]] = {
    'binary': ('a photo of a fake face', 'a photo of a real face'),
    'global': (
        'A photo of a face with the global attribute of {} altered',
        'A photo of a face with the global attribute of {} unaltered',
    ),
    'local': (
        'A photo of a face with the local attribute of {} altered',
        'A photo of a face with the local attribute of {} unaltered',
    ),
}
"""dict[str, tuple[str, str]]: The prompt of each level and its opposite, ``{}`` the label."""


class Prompts(nn.Module):
    """Texts, and how their cosines with a face make one logit per label.

    The sigmoid of a logit is the probability that the label holds.

    Args:
        levels (Sequence[str]): Names out of :data:`LEVELS`, ``'binary'`` among them.
        scale (float): Factor on every cosine.

    Attributes:
        texts (list[str]): P texts.
        names (list[str]): A short name for each of the first texts, to be compared in a figure.
        labels (list[str]): K labels, :data:`FAKE` first.
        columns (dict[str, slice]): Level -> its labels among the K.
    """

    texts: List[str]
    names: List[str]

    def __init__(self, levels: Sequence[str], scale: float) -> None:
        super().__init__()
        unknown = [name for name in levels if name not in LEVELS]
        if isinstance(levels, str) or unknown or 'binary' not in levels:
            raise MMFakeError(
                f'{type(self).__name__}: levels={levels!r}; name binary and any of global, local.'
            )
        if not scale > 0:
            raise MMFakeError(f'{type(self).__name__}: scale={scale}; it has to be positive.')
        self.scale = float(scale)
        self.labels: List[str] = []
        self.columns: Dict[str, slice] = {}
        for level in (name for name in LEVELS if name in levels):
            start = len(self.labels)
            self.labels += LEVELS[level]
            self.columns[level] = slice(start, len(self.labels))

    @property
    def facts(self) -> Dict[str, Any]:
        """What decides the output and is no tensor, for :class:`mmfake.PreprocessingHook`."""
        return dict(type=type(self).__name__, scale=self.scale, texts=self.texts)

    def forward(self, cosines: Tensor) -> Tensor:
        """Turn cosines ``(N, P)`` into logits ``(N, K)``, both in float32."""
        raise NotImplementedError


def _is_pair(pair: Any) -> bool:
    """Whether something is two texts into which a label can be put."""
    try:
        return len(pair) == 2 and all(isinstance(text.format(FAKE), str) for text in pair)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


@MODELS.register_module()
class PairedPrompts(Prompts):
    """A prompt for every label and its opposite: Equations 1 and 2 of the paper.

    The probability of a label is sigmoid(scale (s - s')), s being the cosine of the face with its
    prompt, s' that with the opposite. As printed, scale is 1, and every probability lies between
    0.119 and 0.881.

    Without the opposite it is sigmoid(scale s). Cosines with CLIP's texts begin near 0.25, so that
    with scale 1 such a probability begins at 0.56 and cannot fall below 0.27: do not read 0.5 as a
    threshold.

    Args:
        levels (Sequence[str]): Which levels there are. Defaults to ('binary', 'global', 'local').
        one_sided (Sequence[str]): Those of them that have no opposites. Defaults to none.
        templates (Mapping[str, Sequence[str]], optional): Level -> prompt and opposite of one's
            own, with ``{}`` for the label. Other words than those of :data:`TEMPLATES` need the
            tokenizer of a pre-trained folder. Defaults to None, :data:`TEMPLATES`.
        scale (float): Factor on every cosine. Defaults to 1.0, as printed.

    Raises:
        MMFakeError: If a level is unknown, a scale not positive, or a template is no pair of texts.

    Examples:
        >>> prompts = PairedPrompts()
        >>> len(prompts.texts), prompts.texts[0], prompts.texts[8]
        (16, 'a photo of a fake face', 'a photo of a real face')
    """

    def __init__(
        self,
        levels: Sequence[str] = ('binary', 'global', 'local'),
        one_sided: Sequence[str] = (),
        templates: Optional[Mapping[str, Sequence[str]]] = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__(levels, scale)
        if not isinstance(templates, (Mapping, type(None))):
            raise MMFakeError(
                f'PairedPrompts: templates={templates!r}; give a dict of a prompt and its opposite '
                'for each level, dict(local=(..., ...)).'
            )
        used = {**TEMPLATES, **(templates or {})}
        for name in (*one_sided, *(templates or {})):
            if name not in self.columns:
                raise MMFakeError(
                    f'PairedPrompts: {name!r} of one_sided or templates is not among levels, '
                    f'{", ".join(self.columns)}.'
                )
        for name, pair in used.items():
            if not _is_pair(pair):
                raise MMFakeError(
                    f'PairedPrompts: templates[{name!r}]={pair!r}; give a prompt and its opposite, '
                    'with {} for the label and no other braces.'
                )
        of = {label: level for level in self.columns for label in LEVELS[level]}
        self.paired = [label for label in self.labels if of[label] not in one_sided]
        self.texts = [used[of[label]][0].format(label) for label in self.labels]
        self.texts += [used[of[label]][1].format(label) for label in self.paired]
        self.names = list(self.labels)
        twice = sorted({text for text in self.texts if self.texts.count(text) > 1})
        if twice:
            raise MMFakeError(
                f'PairedPrompts: {twice[0]!r} is the prompt of several labels, or of a label and '
                'its opposite; put {} into the templates of global and local, once in each.'
            )

    def forward(self, cosines: Tensor) -> Tensor:
        """Subtract the cosines of the opposites: ``(N, P)`` -> ``(N, K)``."""
        of_label = dict(zip(self.labels, cosines.unbind(1)))
        of_opposite = dict(zip(self.paired, cosines[:, len(self.labels) :].unbind(1)))
        differences = [
            of_label[label] - of_opposite[label] if label in of_opposite else of_label[label]
            for label in self.labels
        ]
        return self.scale * torch.stack(differences, dim=1)


# which parts of a face each global attribute may alter
_CHILDREN = {
    'expression': ('eye', 'mouth'),
    'identity': ('eye', 'mouth', 'nose'),
    'physical consistency': LOCAL_ATTRIBUTES,
}


@MODELS.register_module()
class GraphPrompts(PairedPrompts):
    """Pairs of prompts tied by a graph of labels: the "probabilistic" variant (HEX graph).

    Deng et al., Large-Scale Object Classification Using Label Relation Graphs (ECCV 2014), as the
    paper's ablation 11 names it; the graph is not given there. A combination of the labels is legal
    if all are 0, or if the face is fake with at least one global attribute, each global attribute
    has at least one of its parts altered, and each altered part at least one global attribute that
    it belongs to: expression eye and mouth, identity eye, mouth and nose, physical consistency all
    four. The weight of a legal combination is exp(sum of scale (s - s') of its labels); the
    probability of a label is the share of those that hold it.

    Args:
        scale (float): Factor on every cosine. Defaults to 1.0.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale=scale)
        states = torch.tensor([state for state in product((0, 1), repeat=8) if self._legal(state)])
        self.register_buffer('states', states.float(), persistent=False)  # (S, K)

    def _legal(self, state: Sequence[int]) -> bool:
        held = {label for label, value in zip(self.labels, state) if value}
        if not held:
            return True
        globals_, locals_ = held & set(GLOBAL_ATTRIBUTES), held & set(LOCAL_ATTRIBUTES)
        explained = {part for name in globals_ for part in _CHILDREN[name]}
        complete = all(locals_ & set(_CHILDREN[name]) for name in globals_)
        return FAKE in held and bool(globals_) and complete and locals_ <= explained

    def forward(self, cosines: Tensor) -> Tensor:
        """Marginal logits over the legal combinations: ``(N, P)`` -> ``(N, K)``."""
        scores = super().forward(cosines) @ self.states.T  # (N, S)
        return marginal_logits(scores, self.states.bool())


@MODELS.register_module()
class JointPrompts(Prompts):
    """One text for every combination of the three levels: variant "joint templates".

    The 2 x 3 x 4 = 24 texts share one softmax over scale times cosine, as in LIQE (arXiv
    2303.14968), whose scheme the paper's ablation 7 takes; the probability of a label is the sum
    over the texts that name it. A text names one attribute of each level, so the probabilities of
    a level's attributes add up to 1, and an original or a fake with several altered parts is no
    text of its own: the sums are compared with their labels all the same.

    Args:
        scale (float): Factor on every cosine. Defaults to 100.0, CLIP's pre-trained one.
    """

    TEMPLATE = (
        'A photo of a {} face with the global attribute of {} and the local attribute of {} '
        'are altered'
    )

    def __init__(self, scale: float = 100.0) -> None:
        super().__init__(tuple(LEVELS), scale)
        named = list(product((FAKE, 'real'), GLOBAL_ATTRIBUTES, LOCAL_ATTRIBUTES))
        self.texts = [self.TEMPLATE.format(*names) for names in named]
        self.names = [', '.join(names) for names in named]
        members = torch.tensor([[label in names for label in self.labels] for names in named])
        self.register_buffer('members', members, persistent=False)  # (P, K)

    def forward(self, cosines: Tensor) -> Tensor:
        """Marginal logits of the softmax: ``(N, P)`` -> ``(N, K)``."""
        return marginal_logits(self.scale * cosines, self.members)


def marginal_logits(scores: Tensor, members: Tensor) -> Tensor:
    """Log odds of labels under a softmax over states.

    Args:
        scores (Tensor): Logits of S states, ``(N, S)``.
        members (Tensor): Bool ``(S, K)``, the states that hold each of K labels.

    Returns:
        Tensor: log P(label) - log P(not label), ``(N, K)``.
    """
    scores = scores[:, None]  # (N, 1, S)
    nothing = torch.finfo(scores.dtype).min
    held = scores.masked_fill(~members.T, nothing).logsumexp(dim=2)  # (N, K)
    others = scores.masked_fill(members.T, nothing).logsumexp(dim=2)
    return held - others
