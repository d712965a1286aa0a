"""ONNX export, what ``tools/export_onnx.py`` calls: one file, checked against PyTorch."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
import warnings
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..engine.config import load_config
from ..errors import MMFakeError, first_line
from ..faces.detectors import FaceSettings
from ..files import atomic_file
from ..inference.clip_pipeline import ClipPipeline
from ..inference.detector import ClipScores
from ..inference.exported_model import (
    INPUT,
    ORIGIN,
    OUTPUTS,
    RUNTIMES,
    SUFFIX,
    ExportedModel,
    sealed,
)
from ..inference.trained_model import TrainedModel
from ..inference.video_scan import VideoScan

TOLERANCE = 1e-4
"""float: By how much an output of the file may differ from PyTorch's, relative above 1."""

BATCHES = (1, 3)
"""tuple[int]: Numbers of clips that are compared."""

_LEAST_TORCH = '2.6'


class CheckFailed(MMFakeError):
    """The exported model does not say what the checkpoint says."""


def export_onnx(
    config: str,
    checkpoint: str,
    out: str,
    scale: Optional[str] = None,
    video: Optional[str] = None,
    face: bool = True,
) -> int:
    """Export a detector, compare it with PyTorch in every runtime installed, and print both.

    Args:
        config (str): Config file the detector was trained with.
        checkpoint (str): Checkpoint file; nothing in it is run.
        out (str): The file, ``.onnx``; written whole or not at all.
        scale (str, optional): Config merged over it, as in training. Defaults to None.
        video (str, optional): Video whose first clips are compared. Defaults to None, random ones.
        face (bool): Whether to search for the face in the video. Defaults to True.

    Returns:
        int: 0, or 1 if the file would not say what the checkpoint says, and was not written.

    Raises:
        MMFakeError: If an argument, config, checkpoint or what is installed will not do.
    """
    if not out.lower().endswith(SUFFIX):
        raise MMFakeError(f'{out}: the name of an exported model ends in {SUFFIX}')
    _check_installed()
    cfg = load_config(config, scale)
    trained = TrainedModel(cfg, checkpoint, 'cpu')
    clips, told = _clips_of(trained.pipeline, max(BATCHES)), 'random clips'
    if video is not None:
        settings = FaceSettings().like(trained.crops) if face else None
        clips, told = _clips_of_video(trained, video, settings), f'clips of {video}'
    print(f'exporting {checkpoint}; a large encoder takes minutes', flush=True)
    try:
        with atomic_file(out, 'the exported model') as temporary:
            temporary.touch()  # what cannot be written is told before the export
            graph, names, opset = _graph_of(trained, clips)
            temporary.write_bytes(sealed(graph, _metadata(trained, names, opset)))
            size = temporary.stat().st_size / 1e6
            for line in _check(cfg, trained, str(temporary), clips):
                print(f'{line}, on {" and ".join(map(str, BATCHES))} {told}')
    except CheckFailed as error:
        print(MMFakeError(f'error: {out} is not written: {error}'), file=sys.stderr)
        return 1
    for warning in trained.warnings:
        print(f'WARNING: {warning}')
    print(f'wrote {out}, {size:.1f} MB, opset {opset}')
    return 0


def _check_installed() -> None:
    """Look for an exporter and for something to check its work with."""
    parameters = inspect.signature(torch.onnx.export).parameters
    if 'dynamo' not in parameters or 'dynamic_shapes' not in parameters:
        raise MMFakeError(
            f'torch {torch.__version__} has no ONNX exporter that takes this model: use torch '
            f'{_LEAST_TORCH} or newer'
        )
    absent = [name for name in ('onnx', 'onnxscript') if importlib.util.find_spec(name) is None]
    if not any(importlib.util.find_spec(name) for name in RUNTIMES):
        absent.append(' or '.join(RUNTIMES))
    if absent:
        raise MMFakeError(
            f'{", ".join(absent)}: not installed, and the export needs it: pip install '
            "'mmfake[deploy]'"
        )


class _Exported(nn.Module):
    """A detector from pixels to what it says, for any number of clips.

    Args:
        trained (TrainedModel): The detector.
    """

    def __init__(self, trained: TrainedModel) -> None:
        super().__init__()
        self.model = trained.model
        self._judge = trained.judge

    def forward(self, clips: Tensor) -> Tuple[Tensor, ...]:
        """Judge pixels ``(N, C, ...)`` into the outputs that there are, in their order."""
        return tuple(_outputs(self._judge(self._normalise(clips)[:, None])).values())

    def _normalise(self, clips: Tensor) -> Tensor:
        """What the data preprocessor does, which goes through the clips one by one."""
        settings = self.model.data_preprocessor
        if getattr(settings, 'to_rgb', False):
            clips = clips.flip(1)
        if getattr(settings, 'mean', None) is None:
            return clips.float()
        of_channels = (1, -1, *[1] * (clips.ndim - 2))
        return (clips - settings.mean.view(of_channels)) / settings.std.view(of_channels)


def _outputs(said: ClipScores) -> Dict[str, Tensor]:
    """The outputs that there are, in their order."""
    score = said.logits.softmax(dim=1)[:, 1]  # (N,)
    found = dict(zip(OUTPUTS, (score, *said)))
    return {name: values for name, values in found.items() if values is not None}


def _graph_of(trained: TrainedModel, clips: Tensor) -> Tuple[bytes, List[str], int]:
    """Export a detector: the serialised graph, names of its outputs, and its opset."""
    module = _Exported(trained).eval()
    pair = clips[:2]  # of one, the number would be taken for a constant
    with torch.no_grad():
        # this also encodes the texts of prompts, which are constants from then on
        names = list(_outputs(trained.judge(trained.preprocess(pair))))
        try:
            with _quiet():
                program = torch.onnx.export(
                    module,
                    (pair,),
                    dynamo=True,
                    input_names=[INPUT],
                    output_names=names,
                    dynamic_shapes={INPUT: {0: torch.export.Dim('N')}},
                    verbose=False,
                )
            graph = program.model_proto
            # where in the source a node comes from names folders of this machine
            for node in graph.graph.node:
                node.ClearField('metadata_props')
            content = graph.SerializeToString()
        except Exception as error:  # whatever has no ONNX; protobuf takes 2 GB
            reason = first_line(error.__cause__ or error)
            raise MMFakeError(_not_exported(trained, reason)) from None
    if not graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise MMFakeError(_not_exported(trained, 'it takes one number of clips only'))
    (opset,) = (entry.version for entry in graph.opset_import if not entry.domain)
    return content, names, opset


def _not_exported(trained: TrainedModel, reason: str) -> str:
    encoder = type(getattr(trained.model, 'backbone', trained.model)).__name__
    return (
        f'torch {torch.__version__} cannot export this detector ({encoder}): {reason}; use its '
        'checkpoint, or try a newer torch'
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter says of packages that it looks for."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)


def _metadata(trained: TrainedModel, names: Sequence[str], opset: int) -> Dict[str, Any]:
    """What the file tells of itself: what the checkpoint tells, and how to use it."""
    pipeline = trained.pipeline
    return {
        **{key: trained.facts[key] for key in ORIGIN},
        **trained.meta(),
        'input': dict(
            name=INPUT,
            shape=['N', 3, *pipeline.clip_shape],
            dtype=str(pipeline.dtype).replace('torch.', ''),
            pixels='as the steps of the test pipeline make them: RGB from 0 to 255 unless those '
            'say otherwise; normalisation is in the file',
        ),
        'outputs': {name: OUTPUTS[name] for name in names},
        'average_clips': trained.model.cls_head.average_clips,
        'classes': trained.classes,
        'labels': list(trained.prompts),
        'opset': opset,
    }


def _clips_of(pipeline: ClipPipeline, count: int) -> Tensor:
    """Random clips, the same each time."""
    shape = (count, 3, *pipeline.clip_shape)
    pixels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0))
    return pixels.to(pipeline.dtype)


def _clips_of_video(trained: TrainedModel, video: str, faces: Optional[FaceSettings]) -> Tensor:
    """The first clips of a video, repeated if it has fewer than are needed.

    Raises:
        MMFakeError: If it has none.
    """
    scan = VideoScan(video, video, trained.pipeline, faces, most_segments=1)
    found = [clip.inputs for clip in islice(scan.clips(), max(BATCHES))]
    if not found:
        raise MMFakeError(f'{video}: {scan.status}, {scan.reason}; give another --video')
    return torch.stack(list(islice(cycle(found), max(BATCHES))))


def _check(cfg: Config, trained: TrainedModel, file: str, clips: Tensor) -> Iterator[str]:
    """Compare the file with PyTorch in every runtime that is installed; a line for each.

    Raises:
        CheckFailed: If they differ.
    """
    expected = {count: _outputs(trained.score(clips[:count])) for count in BATCHES}
    for name in RUNTIMES:
        if importlib.util.find_spec(name) is None:
            continue
        exported = ExportedModel(cfg, file, runtime=name)
        differences = []
        for count, said in expected.items():
            found = exported.outputs(clips[:count])
            for key, values in said.items():
                # relative where they are above 1, as logits may be
                difference = (found[key] - values).abs() / values.abs().clamp(min=1)
                differences.append(difference.max())
        largest = float(torch.stack(differences).max())  # NaN if one of them is
        told = f'{exported.facts["runtime"]} differs from PyTorch by at most {largest:.1e}'
        if not largest <= TOLERANCE:
            raise CheckFailed(f'{told}, and {TOLERANCE:.0e} is allowed')
        yield told
