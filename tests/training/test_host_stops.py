"""How often an iteration makes the host wait for a GPU, counted on a pretend one."""

import json

import pytest
import torch

pytestmark = pytest.mark.skipif(
    not hasattr(torch._C, '_acc'), reason='needs the Python backend of torch 2.9'
)

REGIMES = ('baseline_s3d', 'bin_ce', 'bin_multi_ce', 'bin_ce_con', 'bin_con', 'bin_multi_con')
SGD = {'optim_wrapper.optimizer': dict(type='SGD', lr=0.1), 'train_cfg.max_epochs': 1}
# mmengine's way
CLIP_BY_CLIP = {'model.data_preprocessor.type': 'ActionDataPreprocessor'}


@pytest.fixture(scope='module')
def counted(tmp_path_factory, smoke, fork):
    """Count the iterations of regimes, ``counted(regimes, settings)``."""

    def go(regimes, settings):
        folder = tmp_path_factory.mktemp('counted')
        words = dict(folder=str(folder), scale=str(smoke), regimes=regimes, settings=settings)
        (code,) = fork([(['count', json.dumps(words)], folder / 'output.txt', {})])
        assert not code, (folder / 'output.txt').read_text()[-5000:]
        return json.loads((folder / 'counts.json').read_text())

    return go


def test_an_iteration_has_two_stops(counted):
    """For the log, and for whether the loss is finite; also with a video that cannot be read."""
    for regime, iterations in counted(REGIMES, SGD).items():
        assert len(iterations) == 4
        for each in iterations:
            assert len(each['stops']) == 2, (regime, each['stops'])
        # running statistics and moving average: not tensor by tensor
        launches = iterations[-1]['launches']
        assert 'clone' not in launches, regime
        assert 'lerp_' not in launches, regime
        assert launches.get('_foreach_lerp_', 0) == ('con' in regime), regime


def test_it_counts_what_is_uploaded_clip_by_clip(counted):
    (iterations,) = counted(['bin_ce'], {**SGD, **CLIP_BY_CLIP}).values()
    uploads = [stop for stop in iterations[-1]['stops'] if stop.startswith('upload mmengine')]
    assert len(uploads) == 2 * 4  # clips and labels
