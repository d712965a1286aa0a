"""An exported model in place of its checkpoint: the same results, and what will not do."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfake.datasets.clip_size import set_clip_size
from mmfake.datasets.frame_sampling import samplers_in
from mmfake.errors import MMFakeError
from mmfake.inference import exported_model
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.inference.exported_model import ExportedModel, sealed
from mmfake.inference.results import RESULTS_SCHEMA
from mmfake.inference.trained_model import TrainedModel
from mmfake.version import __version__
from tools.detect import main

# the exporter's arithmetic in another order, at scores of a network with a steep last layer
CLOSE = 1e-4


@pytest.fixture
def only(monkeypatch):
    """Leave one runtime."""

    def leave(name):
        if name != 'none' and importlib.util.find_spec(name) is None:  # the code shall import it
            pytest.skip(reason=f'{name} is not installed')
        kept = {key: kind for key, kind in exported_model.RUNTIMES.items() if key == name}
        monkeypatch.setattr(exported_model, 'RUNTIMES', kept)

    return leave


@pytest.fixture(scope='module')
def trained(config, checkpoint):
    return TrainedModel(config(), str(checkpoint()), 'cpu')


@pytest.fixture(scope='module')
def films(noise_film):
    return [noise_film(seed, 40) for seed in range(3)]


@pytest.fixture(scope='module')
def expected(config, checkpoint, films):
    return DeepfakeInferencer(config(), checkpoint(), 'cpu')(films, face=False, batch_size=4)


def clips(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, 3, 8, 32, 32)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


# ---- the same results ----


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime'])
def test_videos_get_the_results_of_the_checkpoint(
    name, only, exported, config, films, expected, tmp_path
):
    only(name)
    detect = DeepfakeInferencer(config(), exported)
    # batches of 5 end within a video, and the last one is smaller
    found = detect(films, face=False, batch_size=5, out_dir=str(tmp_path))
    for key in ('threshold', 'threshold_source', 'warnings', 'meaning', 'n_scored'):
        assert found[key] == expected[key]
    scores = []
    for video, other in zip(found['predictions'], expected['predictions']):
        assert video['probability'] == pytest.approx(other['probability'], abs=CLOSE)
        assert (video['verdict'], video['calibrated']) == (other['verdict'], other['calibrated'])
        shares, others = (one['family']['probabilities'] for one in (video, other))
        assert shares == pytest.approx(others, abs=CLOSE)
        assert video['family']['likely'] == other['family']['likely']
        ((person,), (same,)) = video['people'], other['people']
        assert len(person['clips']) == len(same['clips']) == 4
        for clip, one in zip(person['clips'], same['clips']):
            assert clip['start_frame'] == one['start_frame']
            assert clip['score'] == pytest.approx(one['score'], abs=CLOSE)
            scores.append(clip['score'])
    assert np.ptp(scores) > 0.1  # or it would be no test
    # what ran it is told, and that nothing is painted
    version = sys.modules[name].__version__.split('-')[0]
    facts = found['model']
    assert facts['runtime'].endswith(version)
    assert facts['checkpoint'] == 'detector.onnx'
    assert facts['exported_from']['checkpoint'] == 'bin_multi_ce.pth'
    for key in ('trained_on', 'held_out', 'clip_shape', 'epoch', 'validation'):
        assert facts[key] == expected['model'][key]
    page = (tmp_path / 'report.html').read_text()
    assert f'Run by {facts["runtime"]}, exported from bin_multi_ce.pth (SHA-256' in page
    assert 'Bright places: not shown, as an exported model gives no gradient' in page
    assert 'data:image/jpeg' in page
    pytest.importorskip('jsonschema').validate(found, RESULTS_SCHEMA)


def test_the_command_takes_it_with_threads_and_batch(
    exported, request, tiny_scale, write_film, noise_film, tmp_path, capsys, monkeypatch
):
    asked = []
    monkeypatch.setattr(torch, 'get_num_threads', lambda: asked[-1] if asked else 1)
    monkeypatch.setattr(torch, 'set_num_threads', asked.append)
    given, kind = [], exported_model.RUNTIMES['onnxruntime']

    class Watched(kind):
        def __init__(self, file, threads):
            super().__init__(file, threads)
            given.append(threads)

        def __call__(self, clips):
            given.append(len(clips))
            return super().__call__(clips)

    monkeypatch.setattr(exported_model, 'RUNTIMES', dict(onnxruntime=Watched))
    film = write_film(tmp_path / 'a.mp4', noise_film(0, 40))
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    words = ['--config', config, '--checkpoint', exported, '--scale', tiny_scale, '--no-face']
    words += ['--threads', 3, '--batch', 3, '--out', tmp_path / 'out']
    assert main([str(word) for word in (film, *words)]) == 0
    assert given == [3, 3, 1]  # threads, then four clips
    assert 'Run by onnxruntime ' in capsys.readouterr().out


@pytest.mark.parametrize('count', [1, 2, 5])
def test_anybody_can_run_it(count, exported, trained):
    """With the runtime alone: any number of clips, pixels in, scores out."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported), providers=['CPUExecutionProvider'])
    score, logits, family = session.run(None, {'clips': clips(count).numpy()})
    said = trained.score(clips(count))
    assert (score.shape, logits.shape, family.shape) == ((count,), (count, 2), (count, 4))
    shares = 1 / (1 + np.exp((said.logits[:, 0] - said.logits[:, 1]).double().numpy()))
    np.testing.assert_allclose(score, shares, atol=CLOSE)
    np.testing.assert_allclose(family, said.family, atol=CLOSE)
    assert score.mean() == pytest.approx(trained.average(said.logits), abs=CLOSE)


def test_its_metadata_tells_what_the_checkpoint_tells(exported, trained):
    import onnx

    model = onnx.load(str(exported))
    onnx.checker.check_model(model)
    told = json.loads({entry.key: entry.value for entry in model.metadata_props}['mmfake'])
    assert told['mmfake'] == __version__
    assert told['config'] == 'bin_multi_ce_holdout_f2f.py'
    assert told['checkpoint'] == 'bin_multi_ce.pth'
    assert told['checkpoint_sha256'] == trained.facts['checkpoint_sha256']
    assert told['clip_shape'] == [3, 8, 32, 32]
    assert told['val_threshold'] == 0.755
    assert told['average_clips'] == 'prob'
    assert told['classes'] == ['original', 'df', 'fs', 'nt']
    assert told['dataset_meta']['holdout'] == 'f2f'
    assert told['preprocessing']['data_preprocessor.mean'] == pytest.approx(
        [123.675, 116.28, 103.53]
    )
    assert told['input'] == dict(told['input'], dtype='uint8', shape=['N', 3, 8, 32, 32])
    assert list(told['outputs']) == ['score', 'logits', 'family']
    assert told['opset'] in [entry.version for entry in model.opset_import]
    # nothing of the machine that made it
    assert not any(len(node.metadata_props) for node in model.graph.node)
    assert b'site-packages' not in exported.read_bytes()


# ---- the same facts, whatever the checkpoint tells ----

# by hand: the brighter a clip, the faker
NETWORK = """
<ir_version: 8, opset_import: ["" : 17]>
by_brightness (uint8[N, 3, 8, 32, 32] clips)
    => (float[N] score, float[N, 2] logits, float[N, 4] family)
{
    pixels = Cast<to = 1>(clips)
    light = ReduceMean<axes = [1, 2, 3, 4], keepdims = 0>(pixels)
    middle = Constant<value_float = 100.0>()
    steep = Constant<value_float = 0.1>()
    above = Sub(light, middle)
    fake = Mul(above, steep)
    score = Sigmoid(fake)
    nothing = Sub(fake, fake)
    axis = Constant<value_ints = [1]>()
    column = Unsqueeze(fake, axis)
    zeros = Unsqueeze(nothing, axis)
    logits = Concat<axis = 1>(zeros, column)
    four = Concat<axis = 1>(zeros, zeros, zeros, zeros)
    family = Softmax<axis = 1>(four)
}
"""


@pytest.fixture(scope='module')
def handmade(config, checkpoint, tmp_path_factory):
    """Write a file by hand: its metadata are those of the checkpoint, but for what is changed."""
    parser = pytest.importorskip('onnx.parser', reason='onnx of the extra deploy is not installed')
    pytest.importorskip('onnxruntime', reason='it is of the extra deploy')
    graph = parser.parse_model(NETWORK).SerializeToString()
    known = TrainedModel(config(), str(checkpoint()), 'cpu')
    metadata = dict(
        known.meta(),
        **dict(mmfake=__version__, config='bin_multi_ce_holdout_f2f.py'),
        **dict(checkpoint='best.pth', checkpoint_sha256=None),
        **dict(input=dict(dtype='uint8'), average_clips='prob', labels=[], classes=known.classes),
    )
    folder = tmp_path_factory.mktemp('handmade')

    def write(**changed):
        path = folder / f'{len(list(folder.iterdir()))}.onnx'
        path.write_bytes(sealed(graph, dict(metadata, **changed)))
        return str(path)

    return write


@pytest.fixture
def small(handmade, only):
    """The same, for the runtime that loads it in less time."""
    only('onnxruntime')
    return handmade


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime'])
def test_scores_of_a_network_made_by_hand(name, handmade, only, config):
    only(name)
    found = ExportedModel(config(), handmade()).score(clips(3))
    light = clips(3).double().mean(dim=(1, 2, 3, 4))
    torch.testing.assert_close(found.logits[:, 1].double(), 0.1 * (light - 100), atol=1e-4, rtol=0)
    assert found.family.tolist() == [[0.25] * 4] * 3
    assert found.prompts is None


VALIDATION = dict(auc=0.95, low=0.9, high=0.99, n_original=32, n_manipulated=32, threshold=0.4)
ENTRIES = [
    dict(
        validation=VALIDATION,
        calibration=dict(temperature=1.5, confidences={50: 0.9, 90: 0.6}),
        test_steps=['Resize(scale=[32, 32])'],
        dataset_meta=dict(
            holdout='nt',
            multi_classes=('original', 'df', 'f2f', 'fs'),
            crops=[('centerface', 1.67, 400)],
            expected_videos={'mini_ffpp/df/c23/000_001': {}, 'ffpp/df/c23/000_001': {}},
        ),
    ),
    dict(validation=dict(VALIDATION, auc=0.5, low=0.4, high=0.6, threshold=None)),
]


@pytest.mark.parametrize('entries', ENTRIES)
def test_it_is_known_as_well_as_its_checkpoint(small, config, checkpoint, entries, tmp_path):
    content = torch.load(checkpoint(), weights_only=True)
    torch.save(dict(content, meta=dict(content['meta'], **entries)), tmp_path / 'known.pth')
    known = TrainedModel(config(), str(tmp_path / 'known.pth'), 'cpu')
    found = ExportedModel(config(), small(**known.meta()))
    for name in ('val_threshold', 'validation', 'calibration', 'prompts', 'crops', 'methods'):
        assert getattr(found, name) == getattr(known, name), name
    assert (found.steps, found.warnings) == (known.steps, known.warnings)
    for key in ('trained_on', 'held_out', 'datasets', 'validation', 'epoch'):
        assert found.facts[key] == known.facts[key]


@pytest.mark.parametrize('average', ['prob', 'score', None])
def test_clips_are_averaged_as_the_checkpoint_does(small, config, trained, average, monkeypatch):
    logits = torch.tensor([[0.0, 3.0], [2.0, 0.0], [0.0, 0.5]])
    found = ExportedModel(config(), small(average_clips=average)).average(logits)
    monkeypatch.setattr(trained.model.cls_head, 'average_clips', average)
    assert found == trained.average(logits)


# ---- what will not do ----


def refused(cfg, path):
    with pytest.raises(MMFakeError) as caught:
        DeepfakeInferencer(cfg, str(path))
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('kind', ['truncated', 'short', 'empty', 'text', 'edited', 'by hand'])
def test_a_damaged_or_foreign_file_ends_in_one_line(kind, small, config, tmp_path):
    whole, path = Path(small()).read_bytes(), tmp_path / 'x.onnx'
    content = dict(
        truncated=whole[: len(whole) // 2],
        short=whole[:-1],
        empty=b'',
        text=b'no network at all ' * 50,
        edited=whole.replace(b'"val_threshold": 0.755', b'"val_threshold": 0.155'),
    ).get(kind)
    if content is None:
        import onnx

        model = onnx.load_from_string(whole)
        model.graph.node[2].attribute[0].f = 1.0
        content = model.SerializeToString()
    assert content != whole
    path.write_bytes(content)
    assert 'x.onnx: not written by tools/export_onnx.py, or damaged' in refused(config(), path)


@pytest.mark.parametrize(
    'changed',
    [
        dict(labels=3),
        dict(labels=['fake']),
        dict(classes=[1]),
        dict(classes=[]),
        dict(average_clips='x'),
        dict(input=None),
        dict(dataset_meta='x'),
        dict(checkpoint=[]),
    ],
)
def test_metadata_that_say_something_else_end_in_one_line(changed, small, config):
    assert '.onnx: its metadata cannot be read' in refused(config(), small(**changed))


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime'])
def test_a_sealed_file_that_no_runtime_can_run_ends_in_one_line(
    name, handmade, only, config, tmp_path
):
    only(name)
    (tmp_path / 'x.onnx').write_bytes(sealed(b'', {}))
    assert f'x.onnx: {name} cannot run it' in refused(config(), tmp_path / 'x.onnx')


def test_another_config_is_refused_or_told(small, config):
    path = small()
    other = config()
    other.model.data_preprocessor.mean = [1.0, 2.0, 3.0]
    assert 'trained with data_preprocessor.mean [123.675' in refused(other, path)
    for key, value, told in (
        ('frame_interval', 2, 'frame_interval 1, this config has 2'),
        ('target_fps', 5, 'target_fps None, this config has 5'),
    ):
        other = config()
        (step,) = samplers_in(other.test_dataloader.dataset.pipeline)
        step[key] = value
        assert f'trained with {told}' in refused(other, path)
    other = config()
    set_clip_size(other, clip_len=8, image_size=48)
    told = 'clips of 8 x 32 x 32 (frames x px), this config makes them 8 x 48 x 48'
    assert told in refused(other, path)
    assert 'takes pixels of type float32, the test' in refused(
        config(), small(input=dict(dtype='float32'))
    )
    warnings = ExportedModel(config('bin_ce'), path).warnings
    assert warnings == [
        f'{Path(path).name} was exported with the config bin_multi_ce_holdout_f2f.py and is judged '
        'with bin_ce_holdout_f2f.py.'
    ]


def test_it_is_for_the_cpu(small, config):
    with pytest.raises(MMFakeError, match="device 'cuda': an exported model is run on the CPU"):
        DeepfakeInferencer(config(), small(), 'cuda')


def test_without_a_runtime_it_is_told_what_to_install(handmade, config, monkeypatch):
    for name in exported_model.RUNTIMES:
        monkeypatch.setitem(sys.modules, name, None)
    told = refused(config(), handmade())
    assert 'neither OpenVINO nor onnxruntime is installed' in told
    assert "pip install 'mmfake[deploy]'" in told


def test_openvino_tells_nobody_that_it_was_imported(handmade, only, config):
    only('openvino')
    ExportedModel(config(), handmade())
    stand_in = sys.modules['openvino.tools.ovc.telemetry_utils'].tm
    assert stand_in.__name__ == 'openvino.tools.ovc.telemetry_stub'
