"""A run resumed into another folder: what it takes along, and what it leaves alone."""

from pathlib import Path

import pytest
import torch

BEST = dict(save_best='score', rule='greater', published_keys=['meta', 'state_dict'])


def files(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth'))


@pytest.mark.parametrize('later', [0.1, 0.9])
def test_another_work_dir_gets_the_best_and_leaves_the_old_one_alone(train, tmp_path, later):
    scores = [0.5, 0.4, later]
    train(2, scores=scores, **BEST)
    old = {path: path.read_bytes() for path in (tmp_path / 'work').iterdir() if path.is_file()}
    last = str(tmp_path / 'work' / 'epoch_2.pth')
    train(3, work_dir='new', resume=True, load_from=last, scores=scores, **BEST)
    assert old == {path: path.read_bytes() for path in (tmp_path / 'work').iterdir() if path in old}
    assert files(tmp_path / 'work') == [path.name for path in sorted(old) if path.suffix == '.pth']
    best = 'best_score_epoch_3' if later == 0.9 else 'best_score_epoch_1'
    stems = [name.split('-')[0].split('.')[0] for name in files(tmp_path / 'new')]
    assert stems == [best, best, 'epoch_3', 'epoch_3']


def resumed_elsewhere(train, tmp_path, best, **settings):
    """From the first epoch of ``work`` in ``new``, with another best checkpoint on record."""
    path = tmp_path / 'work' / 'epoch_1.pth'
    content = torch.load(path, weights_only=False)
    content['message_hub']['runtime_info']['best_ckpt'] = str(best)
    torch.save(content, path)
    settings = {**BEST, 'scores': [0.9, 0.5], **settings}
    return train(2, work_dir='new', resume=True, load_from=str(path), **settings)


@pytest.mark.parametrize('name', ['secret.txt', 'best_secret.txt', 'best_secret.pth', 'x_1.pth'])
def test_a_stranger_names_another_file_as_the_best(train, tmp_path, name):
    """It is neither copied nor removed."""
    train(1, scores=[0.9], **BEST)
    secret = tmp_path / name
    secret.write_text('mine')
    resumed_elsewhere(train, tmp_path, secret)
    assert secret.read_text() == 'mine'
    assert not (tmp_path / 'new' / name).exists()
    assert (tmp_path / 'new' / 'best_score_epoch_2.pth').is_file()


def test_without_the_best_so_far_the_next_is_the_best(train, tmp_path, capfd):
    """A worse one: better than none. The warning names the file."""
    train(1, scores=[0.9], **BEST)
    for path in (tmp_path / 'work').glob('best*'):
        path.unlink()
    resumed_elsewhere(train, tmp_path, 'elsewhere/best_score_epoch_1.pth')
    assert (tmp_path / 'new' / 'best_score_epoch_2.pth').is_file()
    assert 'elsewhere/best_score_epoch_1.pth, the best checkpoint so far' in capfd.readouterr().out


def test_the_best_of_a_folder_that_was_moved(train, tmp_path):
    train(1, scores=[0.9], **BEST)
    resumed_elsewhere(train, tmp_path, 'elsewhere/best_score_epoch_1.pth')
    best = torch.load(tmp_path / 'work' / 'best_score_epoch_1.pth', weights_only=False)
    copy = torch.load(tmp_path / 'new' / 'best_score_epoch_1.pth', weights_only=False)
    assert best['state_dict'].keys() == copy['state_dict'].keys()
    assert all(map(torch.equal, best['state_dict'].values(), copy['state_dict'].values()))
    assert not (tmp_path / 'new' / 'best_score_epoch_2.pth').exists()


@pytest.mark.parametrize('kept', [1, 3])
def test_what_another_run_left_in_the_new_folder_stays(train, tmp_path, kept):
    """It is not the run's own, also where it has the number of an outdated one; nor later."""
    train(3, scores=[0.9, 0.1, 0.1], max_keep_ckpts=kept, **BEST)
    train(2, work_dir='new', scores=[0.8, 0.9], **BEST)
    left = {path: path.read_bytes() for path in (tmp_path / 'new').glob('*_[12]*.pth')}
    assert len(left) == 5  # two epochs, the best, and the published copies of the last two
    last = str(tmp_path / 'work' / 'epoch_3.pth')
    settings = dict(BEST, scores=[0.9, 0.1, 0.1, 0.2, 0.95, 0.97], max_keep_ckpts=1)
    train(5, work_dir='new', resume=True, load_from=last, **settings)
    train(6, work_dir='new', resume=True, **settings)
    found = {path.name.split('-')[0] for path in (tmp_path / 'new').glob('*.pth')}
    own = {name.split('.')[0] for name in found} - {
        path.name.split('-')[0].split('.')[0] for path in left
    }
    assert own == {'epoch_6', 'best_score_epoch_6'}
    assert all(path.read_bytes() == content for path, content in left.items())


def test_a_second_hook_without_a_best_has_none(train, run, tmp_path):
    """It saves iterations in a folder of its own; the best stays with the first."""
    settings = dict(BEST, scores=[0.9, 0.5])
    second = dict(
        type='mmfake.SafeCheckpointHook', by_epoch=False, interval=2, out_dir=str(tmp_path / 'more')
    )
    train(1, [second], **settings)
    runner = train(2, [second], resume=True, **settings)
    assert not list((tmp_path / 'more').rglob('best*'))
    best = tmp_path / 'work' / 'best_score_epoch_1.pth'
    assert runner.message_hub.get_info('best_ckpt') == str(best)
    assert best.is_file()
