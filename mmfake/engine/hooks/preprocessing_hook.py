"""Preprocessing in checkpoints: what decides a score and is no tensor is kept and compared."""

from __future__ import annotations

import logging
import re
from typing import Any, Dict, List, Set

from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.clip_size import datasets_of
from ...models.trained_facts import PREPROCESSING, check_preprocessing, preprocessing_of
from ..settings import remark_on_training
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
        self._expected = checkpoint.get('meta', {}).get(self.META_KEY)
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
    sampler = next((step for step in transforms if hasattr(step, 'frame_interval')), None)
    return preprocessing_of(model_of(runner), sampler)


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
    steps = {split: _intervals_of(cfg, split) for split in ('train', 'val')}
    if all(steps.values()) and steps['train'] != steps['val']:
        trained, validated = (', '.join(map(str, sorted(step))) for step in steps.values())
        remarks.append(
            f'The frame_interval of training is {trained}, that of validation {validated}: epoch '
            'and threshold are chosen on another motion than it learns from.'
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
    for dataset in datasets_of(cfg.get(f'{split}_dataloader') or {}):
        for step in dataset.get('pipeline') or ():
            if _name_of(step) == 'SampleFrames' and not step.get('test_mode'):
                drawing.append('SampleFrames without test_mode=True')
    return ', '.join(dict.fromkeys(drawing))


def _intervals_of(cfg: Config, split: str) -> Set[int]:
    """The steps between the frames of a clip, of all datasets of a loader."""
    datasets = datasets_of(cfg.get(f'{split}_dataloader') or {})
    steps = [step for dataset in datasets for step in dataset.get('pipeline') or ()]
    return {step.get('frame_interval', 1) for step in steps if _name_of(step) == 'SampleFrames'}


def _steps_of(cfg: Config, split: str = 'test') -> List[str]:
    """The steps of the test pipeline of a config, or another, that shape a picture, as text."""
    # the first stands for all
    for dataset in datasets_of(cfg.get(f'{split}_dataloader') or {}):
        steps = list(dataset.get('pipeline') or ())
        decoded = [i for i, step in enumerate(steps) if 'Decode' in _name_of(step)]
        shaping = steps[decoded[-1] + 1 :] if decoded else []
        return [_in_words(step) for step in shaping if not _name_of(step).startswith('Pack')]
    return []


def _name_of(step: Any) -> str:
    """The class of a transform, or of its dict in a config."""
    kind = step.get('type') if isinstance(step, dict) else type(step)
    return str(getattr(kind, '__name__', kind)).split('.')[-1]


def _in_words(step: Any) -> str:
    arguments = sorted(step.items()) if isinstance(step, dict) else []
    told = (f'{key}={_as_list(value)}' for key, value in arguments if key != 'type')
    return f'{_name_of(step)}({", ".join(told)})'


def _as_list(value: Any) -> Any:
    """Write (64, 64) and [64, 64], which a config takes for one, in one way."""
    return list(value) if isinstance(value, tuple) else value


def _draws(step: str) -> bool:
    name, arguments = step.split('(', 1)
    fixed = name == 'Flip' and ('flip_ratio=0)' in arguments or 'flip_ratio=0,' in arguments)
    fixed = fixed or name == 'Perturb' and bool(re.search(r'\bseed=\d', arguments))
    return ('Random' in name or name.endswith(_DRAWS)) and not fixed
