"""Test: what ``tools/test.py`` does with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional

from mmengine.config import Config

from ..engine.checkpoint_files import explain_misfits
from ..engine.config import options_fit
from ..engine.loaders import fit_workers
from ..engine.run_log import repeat_warnings
from ..errors import MMFakeError
from .run import build_runner, check_config, check_launcher, make_work_dir, mistakes_told

PRETRAINED = 'pretrained'
"""str: In place of a checkpoint: the pre-trained weights that the config begins a training with."""


def set_test_options(
    cfg: Config,
    checkpoint: str,
    threshold: Optional[float] = None,
    scores: Optional[str] = None,
    dump: Optional[str] = None,
) -> None:
    """Write the options of a test into its config.

    Args:
        cfg (Config): As :func:`mmfake.engine.config.load_config` gives it; changed in place.
        checkpoint (str): Checkpoint file, or :data:`PRETRAINED`.
        threshold (float, optional): Decision threshold beside 0.5. Defaults to None, the one
            chosen on validation, if the checkpoint has it.
        scores (str, optional): CSV file of the scores. Defaults to None,
            ``<work dir>/scores.csv`` unless the config names a file.
        dump (str, optional): Pickle file that the predictions are dumped to, as in mmaction2.
            Defaults to None, no dump.

    Raises:
        MMFakeError: An option does not fit the config.
    """
    if dump and not dump.endswith(('.pkl', '.pickle')):
        raise MMFakeError(f'--dump {dump}: the file name must end in .pkl or .pickle.')
    cfg.load_from = None if checkpoint == PRETRAINED else checkpoint
    with options_fit(str(cfg.filename), 'an option of the test'):
        evaluators = cfg.test_evaluator
        evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
        for evaluator in evaluators:
            if str(evaluator.type).endswith('DeepfakeMetric'):
                if threshold is not None:
                    evaluator.threshold = threshold
                if scores or not evaluator.get('scores_file'):
                    evaluator.scores_file = scores or str(Path(cfg.work_dir, 'scores.csv'))
                evaluator.facts = dict(
                    checkpoint=checkpoint, config=str(cfg.filename), averaging=_averaging(cfg)
                )
    if dump:
        evaluators.append(dict(type='DumpResults', out_file_path=dump, collect_device='gpu'))
    cfg.test_evaluator = evaluators


def _averaging(cfg: Config) -> Optional[str]:
    """How the head that is tested averages clips; None where the config does not say."""
    model = cfg.get('model') or {}
    head = (model.get('binary') or model).get('cls_head') or {}
    return head.get('average_clips')


def nothing_scored(metrics: Dict[str, float]) -> bool:
    """Tell from the metrics of a test whether it scored none of its videos."""
    return any(key.endswith('deepfake/n_scored') and not n for key, n in metrics.items())


def test(cfg: Config) -> Dict[str, float]:
    """Score a trained detector on the test videos.

    Args:
        cfg (Config): Config of the run, see :func:`mmfake.engine.config.load_config` and
            :func:`set_test_options`.

    Returns:
        dict[str, float]: The metrics.

    Raises:
        MMFakeError: Config, data or checkpoint have a mistake that the user can mend, the work dir
            cannot be written to, or the disk is full.
    """
    check_launcher(cfg.launcher)
    check_config(cfg, ['test_dataloader'])
    fit_workers(cfg)
    with mistakes_told(cfg, 'make room and test again.'):
        make_work_dir(cfg.work_dir)
        runner = build_runner(cfg, is_test=True)
        explain_misfits(runner)
        if not cfg.load_from:
            runner._init_model_weights()  # as a training does before its first epoch
        metrics = runner.test()
        repeat_warnings(runner.logger, 'To bear in mind')
    return metrics
