import pytest
import torch

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation.cell_folder import CellFolder

# the same loop of 3 epochs of 7 iterations, saved by epochs or by iterations
LOOP = 'train_cfg = dict(max_epochs=3)\n'


@pytest.fixture
def make_folder(tmp_path):
    """A folder that training and test left, by hand."""

    def make(last, max_iters=21, loop=LOOP, whole=True):
        best = tmp_path / 'best_deepfake_auc_epoch_2.pth'
        torch.save(dict(message_hub=dict(runtime_info=dict(max_iters=max_iters))), best)
        if not whole:
            best.write_bytes(b'half')
        (tmp_path / 'last_checkpoint').write_text(f'/elsewhere/{last}.pth')
        (tmp_path / 'scores.csv').touch()
        test = f"load_from = '{best}'\ntest_evaluator = [dict(scores_file='scores.csv')]\n"
        for name, text in (('20260101_000000', ''), ('20260101_000001', test)):
            (tmp_path / name / 'vis_data').mkdir(parents=True)
            (tmp_path / name / 'vis_data' / 'config.py').write_text(loop + text)
        return CellFolder(tmp_path)

    return make


@pytest.mark.parametrize(
    ('last', 'finished'),
    [
        *(('epoch_3', True), ('epoch_2', False), ('iter_21', True), ('iter_14', False)),
        *(('iter_3', False), ('best_deepfake_auc_epoch_3', False)),
    ],
)
def test_training_by_hand_reached_its_end(make_folder, last, finished):
    assert make_folder(last).is_tested() is finished


def test_a_loop_of_iterations(make_folder):
    assert make_folder('iter_50', loop='train_cfg = dict(max_iters=50)\n').is_tested()


def test_what_a_damaged_checkpoint_does_not_tell_is_not_finished(make_folder):
    assert not make_folder('iter_21', whole=False).is_tested()


def test_the_processes_of_each_start_of_the_training(make_folder):
    folder = make_folder('epoch_3')
    assert folder.training_starts() == []
    for name in ('20260101_000000', '20260101_000001'):
        (folder.path / name / f'{name}.log').write_text('a\n    GPU number: 8\n')
    ((cfg, processes),) = folder.training_starts()  # the second one is the test
    assert (cfg.train_cfg.max_epochs, processes) == (3, 8)


def test_the_latest_of_the_best_checkpoints(tmp_path):
    with pytest.raises(MMFakeError, match='training left no best checkpoint'):
        CellFolder(tmp_path).best_checkpoint()
    for name in ('epoch_9', 'epoch_12', 'epoch_12-0a1b2c3d'):
        (tmp_path / f'best_deepfake_auc_{name}.pth').touch()
    found = CellFolder(tmp_path).best_checkpoint()
    assert found.name == 'best_deepfake_auc_epoch_12.pth'
