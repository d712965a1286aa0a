"""The ways into the package that belong to the host: its tools, mim and its API."""

from pathlib import Path

import mmaction
import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'
HOST = Path(mmaction.__file__).parent / '.mim' / 'tools'
pytestmark = pytest.mark.nightly  # other people's programs


@pytest.fixture(scope='module', params=['mmfake.register', 'mmfake'])
def config(request, tmp_path_factory, tiny_tree):
    """A config outside this repository that inherits one of it; the old ones import mmfake."""
    path = tmp_path_factory.mktemp('outside') / 'my_config.py'
    path.write_text(f"""
_base_ = {str(CONFIG)!r}
from mmfake.datasets.clip_size import set_clip_size

set_clip_size(_base_, clip_len=8, image_size=32)
for loader in (_base_.train_dataloader, _base_.val_dataloader, _base_.test_dataloader):
    loader.update(batch_size=4, num_workers=0, persistent_workers=False)
    loader.dataset.data_root = {str(tiny_tree)!r}
custom_imports = dict(imports=[{request.param!r}], allow_failed_imports=False)
train_cfg = dict(max_epochs=1)
""")
    return path


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory, command, config):
    """What mmaction2's own train.py makes of it."""
    work_dir = tmp_path_factory.mktemp('host')
    done = command('python', HOST / 'train.py', config, '--work-dir', work_dir, fresh=True)
    assert done.returncode == 0, done.stderr
    return work_dir / 'epoch_1.pth'


def test_mmaction2_own_test(checkpoint, command, config, tmp_path):
    scores = f'test_evaluator.scores_file={tmp_path}/scores.csv'
    options = ['--work-dir', tmp_path, '--cfg-options', scores]
    done = command('python', HOST / 'test.py', config, checkpoint, *options, fresh=True)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout
    assert (tmp_path / 'scores.csv').read_text().count('\n') == 5


def test_mmaction2_own_resume(checkpoint, command, config):
    options = ['--work-dir', checkpoint.parent, '--resume']
    options += ['--cfg-options', 'train_cfg.max_epochs=2']
    done = command('python', HOST / 'train.py', config, *options, fresh=True)
    assert done.returncode == 0, done.stderr
    assert (checkpoint.parent / 'epoch_2.pth').is_file()


def test_init_recognizer(checkpoint, command, config, tiny_tree):
    video = tiny_tree / 'original_sequences' / 'youtube' / 'c23' / 'videos' / '000.mp4'
    code = (
        'import mmfake\n'
        'from mmaction.apis import inference_recognizer, init_recognizer\n'
        f'model = init_recognizer({str(config)!r}, {str(checkpoint)!r}, device="cpu")\n'
        f'print("score", inference_recognizer(model, {str(video)!r}).pred_score.tolist())'
    )
    done = command('python', '-c', code)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith('score'))
    assert sum(map(float, line[7:-1].split(','))) == pytest.approx(1)


def test_mim_train_mmaction(command, config, tmp_path):
    done = command('mim', 'train', 'mmaction', config, '--gpus', '0', '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'epoch_1.pth').is_file()


def test_mim_train_mmfake_by_name(command, smoke, tmp_path):
    name = 'bin_ce_holdout_df.py'
    options = ['--gpus', '0', '--work-dir', tmp_path, '--scale', smoke]
    done = command('mim', 'train', 'mmfake', name, *options)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'epoch_1.pth').is_file()
