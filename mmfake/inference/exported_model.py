"""ONNX detector: an exported model judged by OpenVINO or onnxruntime, and its sealed metadata."""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Type, Union

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..errors import MMFakeError, first_line
from ..models.heads.mlp_head import MLPHead
from ..models.trained_facts import preprocessing_of
from .clip_pipeline import ClipPipeline
from .detector import ClipScores, Detector

SUFFIX = '.onnx'
"""str: How the name of an exported model ends."""

INPUT = 'clips'
"""str: Name of its input, (N, C, T, H, W) or (N, C, H, W): pixels as the test pipeline makes them.

Normalisation is inside.
"""

OUTPUTS = {
    'score': 'probability of being manipulated, (N)',
    'logits': 'of original and manipulated, whose softmax is the score, (N, 2)',
    'family': 'probabilities of classes, (N, K)',
    'prompts': 'logits of labels, whose sigmoid is the probability of each, (N, L)',
}
"""dict[str, str]: Names of its outputs; the last two are those of some detectors only."""

METADATA = 'mmfake'
"""str: Key of its metadata, a JSON object."""

ORIGIN = ('mmfake', 'config', 'checkpoint', 'checkpoint_sha256')
"""tuple[str]: Entries of it that say of what it was exported."""

_SEAL = 'mmfake_sha256'  # the last entry, whose value ends the file: SHA-256 of all before it
_DIGITS = 64  # of a SHA-256


def is_exported(file: Union[str, Path]) -> bool:
    """Whether a detector is an exported model, by its name, and no checkpoint."""
    return str(file).lower().endswith(SUFFIX)


def sealed(graph: bytes, metadata: Dict[str, Any]) -> bytes:
    """Make the file of a serialised model without metadata, and of what is to be known of it."""
    from onnx import ModelProto, StringStringEntryProto

    text = json.dumps(metadata, default=str)
    entries = [(METADATA, text), (_SEAL, '0' * _DIGITS)]
    # two messages of protobuf, one after the other, are one
    props = [StringStringEntryProto(key=key, value=value) for key, value in entries]
    unsealed = graph + ModelProto(metadata_props=props).SerializeToString()
    unsealed = unsealed[:-_DIGITS]
    return unsealed + hashlib.sha256(unsealed).hexdigest().encode()


def _check_seal(file: str) -> None:
    """Refuse, before anything reads it, what is not as :func:`sealed` made it."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise MMFakeError(f'{file}: cannot be read ({error.strerror or error}).') from None
    seal = hashlib.sha256(memoryview(content)[:-_DIGITS]).hexdigest().encode()
    if content[-_DIGITS:] != seal:
        raise MMFakeError(
            f'{file}: not written by tools/export_onnx.py, or damaged or changed since: export it '
            'again from its checkpoint.'
        )


class _OpenVINO:
    """OpenVINO on the CPU, in single precision."""

    def __init__(self, file: str, threads: int) -> None:
        with _no_telemetry():
            import openvino
        self.name = f'OpenVINO {openvino.__version__.split("-")[0]}'
        model = openvino.Core().read_model(file)
        entries = model.get_rt_info()['framework']
        self.metadata = {key: entries[key].astype(str) for key in entries}
        options = dict(
            INFERENCE_PRECISION_HINT='f32',  # of itself it takes bfloat16 where that is faster
            INFERENCE_NUM_THREADS=threads,
            NUM_STREAMS=1,
            ENABLE_CPU_PINNING=False,  # or several processes would share one core
        )
        self._model = openvino.compile_model(model, 'CPU', options)
        self.outputs = [output.any_name for output in self._model.outputs]

    def __call__(self, clips: np.ndarray) -> Dict[str, np.ndarray]:
        """Outputs by name."""
        found = self._model({INPUT: clips})
        return {name: found[name] for name in self.outputs}


class _OnnxRuntime:
    """onnxruntime on the CPU."""

    def __init__(self, file: str, threads: int) -> None:
        import onnxruntime

        self.name = f'onnxruntime {onnxruntime.__version__}'
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        # its threads would wait for the next batch at full load, beside the decoding of it
        options.add_session_config_entry('session.force_spinning_stop', '1')
        self._session = onnxruntime.InferenceSession(
            file, options, providers=['CPUExecutionProvider']
        )
        self.metadata = self._session.get_modelmeta().custom_metadata_map
        self.outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, clips: np.ndarray) -> Dict[str, np.ndarray]:
        """Outputs by name."""
        return dict(zip(self.outputs, self._session.run(self.outputs, {INPUT: clips})))


Runtime = Union[_OpenVINO, _OnnxRuntime]

RUNTIMES: Dict[str, Type[Runtime]] = dict(openvino=_OpenVINO, onnxruntime=_OnnxRuntime)
"""dict[str, type]: What runs an exported model, by its package; the first one that is installed."""


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """Keep ``import openvino`` from telling its makers; it takes its own stand-in instead."""
    name = 'openvino_telemetry'
    known = sys.modules.get(name)
    sys.modules[name] = None  # which an import takes for a package that is not installed
    try:
        yield
    finally:
        del sys.modules[name]
        if known is not None:
            sys.modules[name] = known


def _open(file: str, threads: int, runtime: Optional[str]) -> Runtime:
    """Load a file with a runtime, or with the first one that is installed."""
    for name in [runtime] if runtime else RUNTIMES:
        try:
            return RUNTIMES[name](file, threads)
        except ImportError:
            continue
        except Exception as error:  # the runtimes' own, of a graph that they cannot run
            raise MMFakeError(f'{file}: {name} cannot run it ({first_line(error)}).') from None
    absent = f'{runtime} is not' if runtime else 'neither OpenVINO nor onnxruntime is'
    raise MMFakeError(
        f"{file}: {absent} installed to run an exported model: pip install 'mmfake[deploy]'"
    )


class ExportedModel(Detector):
    """A detector that ``tools/export_onnx.py`` has written, in place of its checkpoint.

    Neither the network nor its weights are built in PyTorch, and CLIP needs no ``transformers``.
    Config and file are compared like config and checkpoint, as far as that decides what the
    network sees: clips, normalisation, steps of the pipeline.

    Args:
        cfg (Config): Config it was trained with.
        file (str): The file.
        device (str, optional): None or ``'cpu'``. Defaults to None.
        runtime (str, optional): One of :data:`RUNTIMES`. Defaults to None, the first of them that
            is installed. It takes as many threads as ``torch.get_num_threads()`` says.

    Attributes:
        device (torch.device): The CPU.
        metadata (dict): What the file says of itself, see ``tools/README.md``.

    Raises:
        MMFakeError: If config, file or device will not do, or no runtime is installed.
    """

    def __init__(
        self,
        cfg: Config,
        file: str,
        device: Optional[str] = None,
        runtime: Optional[str] = None,
    ) -> None:
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        if str(device or 'cpu') != 'cpu':
            raise MMFakeError(
                f'device {device!r}: an exported model is run on the CPU; use --device cpu, or the '
                'checkpoint it was exported from'
            )
        self.device = torch.device('cpu')
        pipeline = ClipPipeline(cfg)
        _check_seal(file)
        self._runtime = _open(file, torch.get_num_threads(), runtime)
        self.metadata = _metadata_of(file, self._runtime)
        # a head without hidden layers, which averages as that of the model
        head = MLPHead(2, 1, (), average_clips=self.metadata['average_clips'])
        own = preprocessing_of(_Normalisation(cfg), pipeline.sampler)
        super().__init__(cfg, file, self.metadata, pipeline, own, head, self.metadata['labels'])
        self.classes = tuple(self.metadata['classes'])
        pixels = self.metadata['input']['dtype']
        if f'torch.{pixels}' != str(pipeline.dtype):
            raise MMFakeError(
                f'{file}: takes pixels of type {pixels}, the test pipeline of the config makes '
                f'{pipeline.dtype}: take the config it was exported with'
            )
        origin = {key: self.metadata[key] for key in ORIGIN}
        if self.facts['config'] not in (None, origin['config']):
            self.warnings.append(
                f'{Path(file).name} was exported with the config {origin["config"]} and is judged '
                f'with {self.facts["config"]}.'
            )
        self.facts.update(device='cpu', precision='fp32', runtime=self._runtime.name)
        self.facts['exported_from'] = origin

    def outputs(self, clips: Tensor) -> Dict[str, Tensor]:
        """Judge clips or frames: all that the file says, see :data:`OUTPUTS`."""
        said = self._runtime(clips.contiguous().numpy())
        # copies: a runtime may write the next batch into the same memory
        return {name: torch.from_numpy(np.array(values)) for name, values in said.items()}

    def score(self, clips: Tensor) -> ClipScores:
        """Judge clips or frames, see :meth:`Detector.score`."""
        found = self.outputs(clips)
        return ClipScores(found['logits'], found.get('family'), found.get('prompts'))


def _metadata_of(file: str, runtime: Runtime) -> Dict[str, Any]:
    """What a file says of itself, as far as judging needs it; the seal is anybody's to make."""
    try:
        metadata = json.loads(runtime.metadata[METADATA])
        labels, classes = metadata['labels'], metadata['classes']
        absent = {'family': not classes, 'prompts': not labels}
        sound = (
            isinstance(metadata['input']['dtype'], str)
            and metadata['average_clips'] in ('prob', 'score', None)
            and isinstance(metadata['dataset_meta'], dict)
            and all(type(word) is str for words in (labels, classes) for word in words)
            and runtime.outputs == [name for name in OUTPUTS if not absent.get(name)]
            and all(isinstance(metadata[key], (str, type(None))) for key in ORIGIN)
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        sound = False
    if not sound:
        raise MMFakeError(
            f'{file}: its metadata cannot be read; export it again with this version of mmfake'
        )
    return metadata


class _Normalisation(nn.Module):
    """What of the model of a config can be compared without building it."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        settings = (cfg.get('model') or {}).get('data_preprocessor')
        self.data_preprocessor = MODELS.build(settings) if settings else None
