"""S3D against a plain one in test and training: ``python tools/benchmarks/model.py --help``."""

from __future__ import annotations

import argparse
import copy
import importlib
import io
import os
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from mmfake.console import run_command
from mmfake.errors import MMFakeError, first_line

DESCRIPTION = """\
Time the detector of Binary CE on a CPU against a reference: S3D written from its table of layers in
plain PyTorch, as somebody would have it who writes it anew. Test of two clips of 32 x 128 x 128 in
float32, with batch norms folded, in bfloat16 (tools/detect.py --precision), in ONNX Runtime and
OpenVINO where they are installed; a training step in float32 and bfloat16 (tools/train.py --amp);
and a step of Binary Contrastive (MoCo) against one of Binary CE. The variants run in turn, and what
is printed are their ratios: less is faster. It takes less than three minutes on two idle cores.
"""

EPILOG = """\
examples:
  python tools/benchmarks/model.py
  python tools/benchmarks/model.py --threads 1 --parts test
  python tools/benchmarks/model.py --small            # tiny clips, some seconds: does it run?"""

CONFIGS = Path(__file__).parents[2] / 'configs' / 'mtl'

# input channels, then branch0, both of branch1, both of branch2, branch3 (arXiv 1712.04851)
_MIXED = dict(
    Mixed_3b=(192, 64, 96, 128, 16, 32, 32),
    Mixed_3c=(256, 128, 128, 192, 32, 96, 64),
    Mixed_4b=(480, 192, 96, 208, 16, 48, 64),
    Mixed_4c=(512, 160, 112, 224, 24, 64, 64),
    Mixed_4d=(512, 128, 128, 256, 24, 64, 64),
    Mixed_4e=(512, 112, 144, 288, 32, 64, 64),
    Mixed_4f=(528, 256, 160, 320, 32, 128, 128),
    Mixed_5b=(832, 256, 160, 320, 32, 128, 128),
    Mixed_5c=(832, 384, 192, 384, 48, 128, 128),
)


def reference_s3d() -> Any:
    """S3D in plain PyTorch: the same names of weights, and nothing else in common with ours."""
    import torch
    from torch import nn

    class Basic(nn.Module):
        def __init__(self, inside: int, out: int) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv3d(inside, out, 1, bias=False), nn.BatchNorm3d(out)

        def forward(self, x):
            return self.bn(self.conv(x)).relu_()

    class Separable(nn.Module):
        def __init__(self, inside: int, out: int, k: int, s: int = 1) -> None:
            super().__init__()
            p = k // 2
            self.conv1 = nn.Conv3d(inside, out, (1, k, k), (1, s, s), (0, p, p), bias=False)
            self.bn1 = nn.BatchNorm3d(out)
            self.conv2 = nn.Conv3d(out, out, (k, 1, 1), (s, 1, 1), (p, 0, 0), bias=False)
            self.bn2 = nn.BatchNorm3d(out)

        def forward(self, x):
            x = self.bn1(self.conv1(x)).relu_()
            return self.bn2(self.conv2(x)).relu_()

    class Mixed(nn.Module):
        def __init__(self, inside: int, b0: int, b1a: int, b1: int, b2a: int, b2: int, b3: int):
            super().__init__()
            self.branch0 = nn.Sequential(Basic(inside, b0))
            self.branch1 = nn.Sequential(Basic(inside, b1a), Separable(b1a, b1, 3))
            self.branch2 = nn.Sequential(Basic(inside, b2a), Separable(b2a, b2, 3))
            self.branch3 = nn.Sequential(nn.MaxPool3d(3, 1, 1), Basic(inside, b3))

        def forward(self, x):
            parts = (self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x))
            return torch.cat(parts, dim=1)

    mixed = {name: Mixed(*widths) for name, widths in _MIXED.items()}
    parts = dict(
        Conv_1a=Separable(3, 64, 7, 2),
        MaxPool_2a=nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        Conv_2b=Basic(64, 64),
        Conv_2c=Separable(64, 192, 3),
        MaxPool_3a=nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        **{name: mixed[name] for name in ('Mixed_3b', 'Mixed_3c')},
        MaxPool_4a=nn.MaxPool3d(3, 2, 1),
        **{name: block for name, block in mixed.items() if name.startswith('Mixed_4')},
        MaxPool_5a=nn.MaxPool3d(2, 2),
        **{name: block for name, block in mixed.items() if name.startswith('Mixed_5')},
    )
    encoder = nn.Sequential()
    for name, part in parts.items():
        encoder.add_module(name, part)
    return encoder


def plain_detector(model: Any) -> Any:
    """The reference: its own S3D, mean over the map, a copy of the classifier; weights as ours."""
    from torch import nn

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = reference_s3d()
            self.head = copy.deepcopy(model.cls_head.layers)

        def forward(self, x):
            return self.head(self.backbone(x).mean(dim=(2, 3, 4)))

    detector = Detector().train(model.training)
    detector.backbone.load_state_dict(model.backbone.state_dict())
    return detector


def our_model(regime: str) -> Tuple[Any, Any]:
    """A detector of a regime with weights as a trained one has them, and its config."""
    import torch
    from mmaction.registry import MODELS
    from torch import nn

    from mmfake.engine.config import load_config

    config = load_config(str(CONFIGS / f'{regime}_holdout_df.py'))
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return model, config


def runtimes(detector: Any, clips: Any, threads: int) -> Dict[str, Callable[[], Any]]:
    """The reference in the runtimes that are installed."""
    import torch

    found: Dict[str, Callable[[], Any]] = {}
    names = [name for name in ('onnxruntime', 'openvino') if importlib.util.find_spec(name)]
    if not names or importlib.util.find_spec('onnx') is None:
        return found
    file = io.BytesIO()
    torch.onnx.export(detector, (clips,), file, dynamo=False, opset_version=17)
    content, array = file.getvalue(), clips.numpy()
    if 'onnxruntime' in names:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
        given = {session.get_inputs()[0].name: array}
        found['onnxruntime fp32'] = lambda: torch.from_numpy(session.run(None, given)[0])
    if 'openvino' in names:
        import openvino

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'model.onnx')
            path.write_bytes(content)
            for kind, hint in (('fp32', 'f32'), ('bf16', 'bf16')):
                wanted = dict(INFERENCE_PRECISION_HINT=hint, INFERENCE_NUM_THREADS=threads)
                compiled = openvino.Core().compile_model(path, 'CPU', wanted)
                found[f'OpenVINO {kind}'] = lambda c=compiled: torch.from_numpy(c([array])[0])
    return found


def measure_test(shape: Sequence[int], threads: int, rounds: int, clock: Callable) -> None:
    """Time the test of two clips, after a look at whether all give the same scores."""
    import torch
    from paired import compare

    from mmfake.inference.precision import check_clips, fold_batch_norms, in_precision

    model, _ = our_model('bin_ce')
    model.eval()
    plain = plain_detector(model)
    folded = copy.deepcopy(model)
    fold_batch_norms(folded.backbone, (3, *shape))
    half = copy.deepcopy(folded)
    in_precision(half.backbone, torch.bfloat16)
    clips = (check_clips(shape, 2).float() - 114) / 58  # (2, 3, T, H, W)

    def test(detector: Any, autocast: bool = False) -> Callable[[], Any]:
        def judge() -> Any:
            with torch.no_grad(), torch.autocast('cpu', torch.bfloat16, enabled=autocast):
                if detector is plain:
                    return detector(clips)
                return next(iter(detector.classify(clips[:, None]).values()))

        return judge

    variants = {
        'reference fp32': test(plain),
        'ours fp32 (test.py)': test(model),
        'ours folded fp32 (detect.py)': test(folded),
        'reference bf16 (autocast)': test(plain, True),
        'ours folded bf16 (--precision bf16)': test(half),
    }
    try:
        variants.update(runtimes(plain, clips, threads))
    except Exception as error:  # whatever a runtime raises; the others can be measured
        print(f'runtimes not measured: {first_line(error)}')
    expected = variants['reference fp32']().softmax(dim=1)
    for name, judge in variants.items():
        off = float((judge().float().softmax(dim=1) - expected).abs().max())
        if off > (0.01 if 'bf16' in name else 1e-3):
            raise MMFakeError(f'{name}: a score differs by {off:.2g} from the reference')
        print(f'{name}: scores within {off:.1e} of the reference')
    compare(variants, rounds, clock, f'test, {threads} thread{"s" * (threads > 1)}')


def trainer(regime: str, shape: Sequence[int], amp: bool) -> Callable[[], Any]:
    """A training step of ours on random clips, with the hook of a contrastive regime."""
    import torch
    from mmaction.structures import ActionDataSample
    from mmengine.logging import MessageHub
    from mmengine.optim import build_optim_wrapper

    from mmfake.apis.train import set_training_options
    from mmfake.engine.hooks.label_moco_hook import LabelMoCoHook

    model, config = our_model(regime)
    set_training_options(config, amp='bfloat16' if amp else False)
    wrapper = build_optim_wrapper(model.train(), config.optim_wrapper)
    inputs = list(torch.randint(256, (2, 1, 3, *shape), dtype=torch.uint8))
    samples = [ActionDataSample() for _ in inputs]
    for label, sample in enumerate(samples):
        sample.set_field(label, 'label_bin')
    hook = None
    hooks = [dict(entry) for entry in config.get('custom_hooks') or ()]
    for entry in hooks:
        if entry.pop('type') == 'mmfake.LabelMoCoHook':
            hook = LabelMoCoHook(**dict(entry, prefill=False))
    runner = SimpleNamespace(
        model=model, optim_wrapper=wrapper, message_hub=MessageHub.get_instance('benchmark')
    )
    if hook is not None:
        hook.before_train(runner)

    def step() -> None:
        batch = dict(inputs=inputs, data_samples=samples)
        model.train_step(batch, wrapper)
        if hook is not None:
            hook.after_train_iter(runner, 0, batch)

    return step


def plain_trainer(shape: Sequence[int], amp: bool) -> Callable[[], Any]:
    """The same step of the reference."""
    import torch
    from torch.nn import functional as F

    model, config = our_model('bin_ce')
    detector = plain_detector(model.train())
    settings = {k: v for k, v in config.optim_wrapper.optimizer.items() if k != 'type'}
    optimizer = getattr(torch.optim, config.optim_wrapper.optimizer.type)(
        detector.parameters(), **settings
    )
    clips = torch.randint(256, (2, 3, *shape), dtype=torch.uint8)
    labels = torch.arange(2)

    def step() -> None:
        with torch.autocast('cpu', torch.bfloat16, enabled=amp):
            logits = detector((clips.float() - 114) / 58)
        optimizer.zero_grad()
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    return step


def measure_training(shape: Sequence[int], threads: int, rounds: int, clock: Callable) -> None:
    """Time a training step on two clips."""
    from paired import compare

    variants = {
        'reference fp32': plain_trainer(shape, False),
        'ours fp32': trainer('bin_ce', shape, False),
        'reference bf16 (autocast)': plain_trainer(shape, True),
        'ours bf16 (--amp)': trainer('bin_ce', shape, True),
    }
    compare(variants, rounds, clock, f'training step, {threads} thread{"s" * (threads > 1)}')


def measure_moco(shape: Sequence[int], threads: int, rounds: int, clock: Callable) -> None:
    """Time a step of Binary Contrastive, with key encoder and queue, against Binary CE."""
    from paired import compare

    variants = {
        'Binary CE': trainer('bin_ce', shape, False),
        'Binary Contrastive (MoCo)': trainer('bin_con', shape, False),
    }
    compare(variants, rounds, clock, f'MoCo, {threads} thread{"s" * (threads > 1)}')


PARTS = dict(test=measure_test, train=measure_training, moco=measure_moco)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--threads', type=int, nargs='+', default=[1, 2], help='of torch (default: 1 2)')
    add('--rounds', type=int, default=5, help='how often each runs (default: %(default)s)')
    add('--parts', nargs='+', choices=PARTS, default=list(PARTS), help='what to measure (all)')
    add('--small', action='store_true', help='tiny clips, one round')
    args = parser.parse_args(arguments)
    if min(args.threads) < 1 or args.rounds < 1:
        raise MMFakeError('--threads and --rounds are numbers from 1 on')
    # or the kernels of four networks push each other out, which a run of one never sees
    os.environ.setdefault('ONEDNN_PRIMITIVE_CACHE_CAPACITY', '16384')
    import torch  # not before: it takes seconds
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope
    from paired import machine  # beside this script

    import mmfake.register  # noqa: F401

    init_default_scope('mmaction')
    MMLogger.get_instance('model', log_level='ERROR')
    for kind in (DeprecationWarning, FutureWarning):  # of torch and the host, in themselves
        warnings.simplefilter('ignore', kind)
    shape, rounds = ((8, 64, 64), 1) if args.small else ((32, 128, 128), args.rounds)
    print(machine())
    print(f'S3D, 2 clips of {" x ".join(map(str, shape))}')
    for threads in args.threads:
        torch.set_num_threads(threads)
        # of one thread the CPU seconds, which other jobs disturb less
        clock = time.process_time if threads == 1 else time.perf_counter
        for part in args.parts:
            PARTS[part](shape, threads, rounds, clock)


if __name__ == '__main__':
    run_command(main)
