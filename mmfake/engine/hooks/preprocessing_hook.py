"""Preprocessing in checkpoints: what decides a score and is no tensor is kept and compared."""

from __future__ import annotations

import logging
import re
from typing import Any, Dict, Iterator, List, Mapping, Set

from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.clip_size import datasets_of
from ...datasets.frame_sampling import draws_of, name_of, samplers_in, step_facts
from ...models.trained_facts import PREPROCESSING, check_preprocessing, preprocessing_of
from ..settings import UNREADABLE, read_text, remark_on_training
from . import model_of

# transforms that draw, but for those with Random in their name
_DRAWS = (
    *('ColorJitter', 'Flip', 'Imgaug', 'MultiScaleCrop', 'TorchVisionWrapper'),
    *('Perturb', 'Recompress', 'SelfBlend', 'AttributeForgery'),
)


@HOOKS.register_module()
class PreprocessingHook(Hook):
    """Refuses to test or resume a checkpoint with another preprocessing than it was trained with.

    Normalisation, the ``eps`` of norm layers, the step between frames and the layout of classes
    decide a score and are no tensors, so that a state dict fits a config that is not its own. Each
    checkpoint holds them as :func:`preprocessing_of` gives them; one without, such as another
    project's, passes. A training that starts from the weights of another (``load_from``) has its
    own. Told before a test are other steps of the test pipeline, such as another crop of the same
    size, and steps that draw at random; before a training the same of its validation; and when a
    run is resumed another model, loss or training pipeline.

    Args:
        refuse (bool): Whether a difference ends the test. Defaults to True.
    """

    META_KEY = PREPROCESSING
    STEPS_KEY = 'test_steps'

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._expected: Any = None
        self._steps: Any = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write the facts of the model and the validation pipeline."""
        checkpoint['meta'][self.META_KEY] = _facts_of(runner, runner.val_loop)
        checkpoint['meta'][self.STEPS_KEY] = _steps_of(runner.cfg)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read the facts, and compare them if the run is being resumed.

        Raises:
            MMFakeError: If a run is resumed with others.
        """
        self._expected = facts_in(checkpoint.get('meta', {}))
        self._steps = checkpoint.get('meta', {}).get(self.STEPS_KEY)
        if runner._resume:
            check_preprocessing(self._expected, _facts_of(runner, runner.val_loop))
            remark = remark_on_training(checkpoint.get('meta', {}).get('cfg'), runner.cfg)
            if remark:
                print_log(remark, logger='current', level=logging.WARNING)

    def before_train(self, runner: Runner) -> None:
        """Look whether epoch and threshold are chosen on pictures as the test has them."""
        model_of(runner).trained_with = {}  # what weights to start from had does not bind
        for remark in remarks_on_validation(runner.cfg):
            print_log(remark, logger='current', level=logging.WARNING)

    def before_val(self, runner: Runner) -> None:
        """Leave a validation uncompared: it has the preprocessing that it is to choose by."""
        model_of(runner).trained_with = {}

    def before_test(self, runner: Runner) -> None:
        """Compare the facts.

        Raises:
            MMFakeError: If they differ.
        """
        model_of(runner).trained_with = {}  # as it is compared here, and the clips by their hook
        if self.refuse:
            check_preprocessing(
                self._expected,
                _facts_of(runner, runner.test_loop),
                'for a test with others set default_hooks.preprocessing.refuse=False',
            )
        for remark in remarks_on_steps(self._steps, runner.cfg):
            print_log(remark, logger='current', level=logging.WARNING)


def _facts_of(runner: Runner, loop: Any) -> Dict[str, Any]:
    """Facts of the model of a run and of the pipeline of a loop, which may be None."""
    dataset = None if loop is None else loop.dataloader.dataset
    while hasattr(dataset, 'dataset') or hasattr(dataset, 'datasets'):
        # a RepeatDataset, or a ConcatDataset, whose first stands for all
        dataset = dataset.dataset if hasattr(dataset, 'dataset') else dataset.datasets[0]
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
    return preprocessing_of(model_of(runner), next(iter(samplers_in(transforms)), None))


def facts_in(meta: Mapping[str, Any]) -> Any:
    """Read the facts in the meta of a checkpoint, as :func:`preprocessing_of` gives them.

    Older ones lack ``target_fps``, and all of samplers such as ``UniformSample``; these are read in
    the text of the config beside them, where there is one.

    Args:
        meta (dict): Of the checkpoint, or of an exported model; a stranger's may hold anything.
    """
    facts = meta.get(PREPROCESSING)
    if not isinstance(facts, dict) or 'target_fps' in facts:
        return facts
    try:
        return {**step_facts(next(_samplers_of(read_text(meta['cfg']), 'val'))), **facts}
    except (*UNREADABLE, LookupError, StopIteration):
        return facts


OTHER_STEPS = 'The test pipeline is not that of the config the checkpoint was trained with'
"""str: How the remark on a test pipeline with other steps begins."""


def remarks_on_steps(trained: Any, cfg: Config) -> List[str]:
    """Say what of the steps of a test pipeline makes its scores doubtful.

    Args:
        trained (list[str]): Those of the training's config, in the checkpoint; what is no list
            passes.
        cfg (Config): The config of the test.
    """
    steps, remarks = _steps_of(cfg), []
    if isinstance(trained, list) and steps and trained and trained != steps:
        others = [step for step in steps if step not in trained]
        gone = [str(step) for step in trained if step not in steps]
        remarks.append(
            f'{OTHER_STEPS}: it has '
            f'{", ".join(others) or "nothing"} for {", ".join(gone) or "nothing"}; scores and '
            'threshold are of other pictures.'
        )
    drawing = _drawing_in(cfg, 'test')
    if drawing:
        remarks.append(
            f'The test pipeline draws at random ({drawing}): another run gives other scores.'
        )
    return remarks


def remarks_on_validation(cfg: Config) -> List[str]:
    """Say what of the steps of a validation pipeline makes epoch and threshold doubtful."""
    steps, tested, remarks = _steps_of(cfg, 'val'), _steps_of(cfg), []
    if steps and tested and steps != tested:
        others = [step for step in steps if step not in tested]
        gone = [step for step in tested if step not in steps]
        remarks.append(
            f'The validation pipeline has {", ".join(others) or "nothing"} where that of the test '
            f'has {", ".join(gone) or "nothing"}: epoch and threshold are chosen on other pictures '
            'than are tested.'
        )
    validated = _intervals_of(cfg, 'val')
    for split, name, fault in (
        (
            'train',
            'training',
            'epoch and threshold are chosen on another motion than it learns from',
        ),
        ('test', 'the test', 'the test will refuse its checkpoints'),
    ):
        other = _intervals_of(cfg, split)
        if other and validated and other != validated:
            other, own = (', '.join(sorted(step)) for step in (other, validated))
            remarks.append(
                f'The frame_interval of {name} is {other}, that of validation {own}: {fault}.'
            )
    drawing = _drawing_in(cfg, 'val')
    if drawing:
        remarks.append(
            f'The validation pipeline draws at random ({drawing}): each epoch is judged on other '
            'pictures.'
        )
    return remarks


def _drawing_in(cfg: Config, split: str) -> str:
    """Name the steps of a pipeline that draw at random."""
    drawing = [step for step in _steps_of(cfg, split) if _draws(step)]
    for sampler in _samplers_of(cfg, split):
        drawing += draws_of(sampler)
    return ', '.join(dict.fromkeys(drawing))


def _samplers_of(cfg: Mapping[str, Any], split: str) -> Iterator[Any]:
    """What chooses the frames of clips in all datasets of a loader."""
    for dataset in datasets_of(cfg.get(f'{split}_dataloader') or {}):
        yield from samplers_in(dataset.get('pipeline') or ())


def _intervals_of(cfg: Config, split: str) -> Set[str]:
    """How far apart the frames of a clip are, in all datasets of a loader, in words."""
    facts = [step_facts(sampler) for sampler in _samplers_of(cfg, split)]
    return {
        f'{step["frame_interval"]}'
        + (f' at target_fps {step["target_fps"]}' if step['target_fps'] else '')
        for step in facts
        if step
    }


def _steps_of(cfg: Config, split: str = 'test') -> List[str]:
    """The steps of the test pipeline of a config, or another, that shape a picture, as text."""
    # the first stands for all
    for dataset in datasets_of(cfg.get(f'{split}_dataloader') or {}):
        steps = list(dataset.get('pipeline') or ())
        decoded = [i for i, step in enumerate(steps) if 'Decode' in name_of(step)]
        shaping = steps[decoded[-1] + 1 :] if decoded else []
        return [_in_words(step) for step in shaping if not name_of(step).startswith('Pack')]
    return []


def _in_words(step: Any) -> str:
    arguments = sorted(step.items()) if isinstance(step, dict) else []
    told = (f'{key}={_as_list(value)}' for key, value in arguments if key != 'type')
    return f'{name_of(step)}({", ".join(told)})'


def _as_list(value: Any) -> Any:
    """Write (64, 64) and [64, 64], which a config takes for one, in one way."""
    return list(value) if isinstance(value, tuple) else value


def _draws(step: str) -> bool:
    name, arguments = step.split('(', 1)
    fixed = name == 'Flip' and ('flip_ratio=0)' in arguments or 'flip_ratio=0,' in arguments)
    fixed = fixed or name == 'Perturb' and bool(re.search(r'\bseed=\d', arguments))
    return ('Random' in name or name.endswith(_DRAWS)) and not fixed
