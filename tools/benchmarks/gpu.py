"""Measure training on a GPU: ``python tools/benchmarks/gpu.py --help``."""

from __future__ import annotations

import argparse
import gc
import itertools
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from mmfake.apis.options import add_run_arguments, config_of
from mmfake.console import ProgressBar, run_command
from mmfake.errors import MMFakeError, first_line
from mmfake.files import write_json

DESCRIPTION = """\
Measure training steps with each option of a GPU: precision x cudnn_benchmark x channels_last, sizes
of batch, whole iterations with loader and hooks at several numbers of workers, and the compiled
encoder. A step is forward, backward and optimizer on random clips that are on the device already.
With --checkpoint, the scores of a precision are compared with those of float32. It takes less than
five minutes on a GPU; what does not fit into --seconds is left out, and said so.
"""

EPILOG = """\
examples:
  python tools/benchmarks/gpu.py --out gpu.json
  python tools/benchmarks/gpu.py --small            # tiny clips, a CPU will do, about a minute"""

SEED = 0
FULL = dict(batch=32, warm_up=4, steps=12, workers=(4, 8, 16), repeat=8)
SMALL = dict(batch=4, warm_up=1, steps=3, workers=(1,), repeat=1)


@dataclass(frozen=True)
class Step:
    """A training step and how it is computed."""

    precision: str  # float32, tf32, bfloat16, float16
    batch: int
    cudnn_benchmark: bool = False
    channels_last: bool = False
    fused_adam: bool = False
    compiled: bool = False

    @property
    def name(self) -> str:
        """str: What is switched on, for the table."""
        return ' '.join([self.precision, *(key for key, on in asdict(self).items() if on is True)])


def steps_of(batch: int, has_gpu: bool) -> List[Step]:
    """The grid, what compiles last."""
    layouts = [dict(channels_last=layout) for layout in (False, True)]
    plain = Step('float32', batch)
    if not has_gpu:
        return [*(replace(plain, **layout) for layout in layouts), replace(plain, batch=2 * batch)]
    half, three = replace(plain, precision='bfloat16'), ('tf32', 'bfloat16', 'float16')
    grid = itertools.product(three, (False, True), (False, True))
    return [
        plain,
        *(Step(precision, batch, tuned, layout) for precision, tuned, layout in grid),
        replace(half, fused_adam=True),
        *(replace(half, batch=size) for size in (8, 64, 128)),
        *(replace(half, compiled=True, **layout) for layout in layouts),
    ]


def interval(seconds: Sequence[float]) -> Dict[str, Any]:
    """Mean ms of the repetitions, with the 95 % interval by Student's t."""
    import numpy as np
    from scipy import stats

    ms = 1000 * np.asarray(seconds)
    low, high = stats.t.interval(0.95, len(ms) - 1, ms.mean(), stats.sem(ms))
    return dict(ms=ms.mean(), low=low, high=high, n=len(ms))


def set_flags(precision: str, cudnn_benchmark: bool) -> None:
    """Set what of a step is a switch of torch."""
    from torch.backends import cuda, cudnn

    cuda.matmul.allow_tf32 = cudnn.allow_tf32 = precision != 'float32'
    cudnn.benchmark = cudnn_benchmark


def measure_step(cfg: Any, step: Step, scale: Dict, expected: Dict[int, Any]) -> Dict[str, Any]:
    """Time a step: mean ms with its interval, clips a second, peak memory, shift of the scores."""
    import torch
    from mmaction.registry import MODELS
    from mmaction.structures import ActionDataSample
    from mmengine.logging import MMLogger
    from mmengine.optim import build_optim_wrapper
    from mmengine.runner import load_checkpoint

    if any((cfg.model.get(name) or {}).get('contrastive_head') for name in ('binary', 'multi')):
        raise MMFakeError('a step needs a regime without queues')
    torch.manual_seed(SEED)
    set_flags(step.precision, step.cudnn_benchmark)
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    backbone = dict(cfg.model.backbone, init_cfg=None, channels_last=step.channels_last)
    model = MODELS.build(dict(cfg.model, backbone=backbone)).to(device)
    model.init_weights()
    if cfg.load_from:
        load_checkpoint(model, cfg.load_from, 'cpu', logger=MMLogger.get_current_instance())
    if step.compiled:
        model.backbone.compile()

    wrapper = dict(cfg.optim_wrapper)
    wrapper['optimizer'] = dict(wrapper['optimizer'], fused=step.fused_adam)
    if step.precision.endswith('float16'):
        scaler = 'dynamic' if step.precision == 'float16' else dict(enabled=False)
        wrapper.update(type='AmpOptimWrapper', dtype=step.precision, loss_scale=scaler)
    optimizer = build_optim_wrapper(model, wrapper)

    pipeline = {transform.type: transform for transform in cfg.train_dataloader.dataset.pipeline}
    shape = (step.batch, 1, 3, pipeline['SampleFrames'].clip_len, *pipeline['Resize'].scale)
    clips = torch.randint(256, shape, dtype=torch.uint8, device=device)
    samples = [ActionDataSample() for _ in range(step.batch)]
    for number, sample in enumerate(samples):
        sample.set_field(number % 2, 'label_bin')
        sample.set_field(number % 4, 'label_multi')
    batch = dict(inputs=list(clips), data_samples=samples)
    found: Dict[str, Any] = {}
    if cfg.load_from:
        with torch.no_grad(), optimizer.optim_context(model):
            results = model.eval().val_step(batch)
        scores = torch.stack([one.pred_score[1].float() for one in results])
        shift = (scores - expected.setdefault(step.batch, scores)).abs().max()
        found['score_shift'] = float(shift)
        model.train()

    seconds, on_gpu = [], device.type == 'cuda'
    for repetition in range(scale['warm_up'] + scale['steps']):
        if on_gpu and repetition == scale['warm_up']:
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        model.train_step(batch, optimizer)
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    found.update(interval(seconds[scale['warm_up'] :]))
    if on_gpu:
        found['memory_mib'] = torch.cuda.max_memory_allocated() / 2**20
    return dict(found, clips_per_s=1000 * step.batch / found['ms'])


def measure_training(cfg: Any, workers: int, scale: Dict[str, Any]) -> Dict[str, Any]:
    """Time whole iterations, the loader and all hooks included, but the first ones."""
    from mmengine.runner import Runner

    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.max_epochs = 1
    loader = cfg.train_dataloader
    loader.update(num_workers=workers, persistent_workers=workers > 0)
    loader.dataset = dict(type='RepeatDataset', times=scale['repeat'], dataset=loader.dataset)
    quiet = dict(save_best=None, interval=-1, save_last=False, published_keys=None)
    cfg.default_hooks.checkpoint.update(quiet)
    cfg.log_level, cfg.experiment_name = 'ERROR', f'workers_{workers}'  # of one name, one history
    with tempfile.TemporaryDirectory() as cfg.work_dir:
        runner = Runner.from_cfg(cfg)
        runner.train()
    first = min(2 * workers, len(runner.train_dataloader) // 2)  # those loaded ahead
    logs = runner.message_hub.log_scalars
    seconds, waited = (logs[f'train/{name}'].data[0][first:] for name in ('time', 'data_time'))
    found = dict(interval(seconds), waited=sum(waited) / sum(seconds))
    return dict(found, clips_per_s=1000 * loader.batch_size / found['ms'])


def rows_of(args: argparse.Namespace) -> Iterator[Dict[str, Any]]:
    """Measure one thing after another, as long as there is time."""
    import torch
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    scale, cfg = SMALL if args.small else FULL, config_of(args)
    cfg.load_from, expected, start = args.checkpoint, {}, time.perf_counter()
    init_default_scope('mmaction')
    MMLogger.get_instance('gpu', log_level='ERROR')
    steps = steps_of(scale['batch'], torch.cuda.is_available())
    plans = sorted([*steps, *scale['workers']], key=lambda p: isinstance(p, Step) and p.compiled)
    with ProgressBar(time_left=True) as bar:
        task = bar.add_task('', total=len(plans))
        for plan in plans:
            row: Dict[str, Any] = dict(name=f'whole iteration, {plan} workers')
            row['batch'] = cfg.train_dataloader.batch_size
            if isinstance(plan, Step):
                row.update(asdict(plan), name=plan.name)
            bar.update(task, description=row['name'])
            try:
                if time.perf_counter() - start > args.seconds:
                    raise MMFakeError(f'left out after {args.seconds} s')
                if isinstance(plan, Step):
                    row.update(measure_step(cfg, plan, scale, expected))
                else:
                    set_flags('tf32', False)
                    row.update(measure_training(config_of(args), plan, scale), workers=plan)
            except (MMFakeError, RuntimeError) as error:  # no data, out of memory, no compiler
                row['reason'] = first_line(error)
            gc.collect()
            torch.cuda.empty_cache()  # does nothing without a GPU
            bar.advance(task)
            yield row


def table(rows: Sequence[Dict[str, Any]]) -> str:
    """A line for each row."""
    lines = [f'{"":44} {"batch":>5} {"ms [95 % interval]":>25} {"n":>3} {"clips/s":>8} {"MiB":>6}']
    for row in rows:
        line = f'{row["name"]:44} {row["batch"]:5d} '
        if 'reason' in row:
            lines.append(f'{line} not measured: {row["reason"]}')
            continue
        span = f'{row["ms"]:.1f} [{row["low"]:.1f}, {row["high"]:.1f}]'
        memory = f'{row["memory_mib"]:.0f}' if 'memory_mib' in row else '-'
        line += f'{span:>25} {row["n"]:3d} {row["clips_per_s"]:8.1f} {memory:>6}'
        waited = f', of which {row["waited"]:.0%} waiting for videos' if 'waited' in row else ''
        shift = f', scores within {row["score_shift"]:.1e}' if 'score_shift' in row else ''
        lines.append(f'{line}{waited}{shift}')
    return '\n'.join(lines)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_arguments(parser)
    parser.set_defaults(config='configs/mtl/bin_multi_ce_holdout_df.py', data_root='data/mini_ffpp')
    next(a for a in parser._actions if a.dest == 'config').nargs = '?'
    parser.add_argument('--small', action='store_true', help='the mini scale, few repetitions')
    parser.add_argument('--seconds', type=int, default=200, help='begin nothing after (200)')
    parser.add_argument('--checkpoint', metavar='FILE', help='weights, to compare scores of')
    parser.add_argument('--out', metavar='FILE', help='write the rows as JSON, too')
    args = parser.parse_args(arguments)
    args.scale = args.scale or ('mini' if args.small else None)
    import torch  # not before: it takes seconds

    rows = list(rows_of(args))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    facts = dict(gpu=gpu, torch=torch.__version__, cudnn=torch.backends.cudnn.version(), seed=SEED)
    print(', '.join(f'{key}: {value}' for key, value in facts.items()), table(rows), sep='\n')
    if args.out:
        write_json(Path(args.out), dict(facts, config=args.config, rows=rows), 'the benchmark')


if __name__ == '__main__':
    run_command(main)
