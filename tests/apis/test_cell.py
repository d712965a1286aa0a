import json
import shutil

import pytest
from mmengine.config import Config

from mmfake import MMFakeError
from mmfake.apis.cell import (
    Cell,
    best_checkpoint,
    find_cells,
    find_configs,
    fingerprint,
    first_difference,
    is_finished,
    planned_config,
    read_record,
    settings_of,
)
from mmfake.apis.many_tests import Detector, PlannedTest, _is_finished, _settings
from mmfake.engine.loaders import clips_of
from mmfake.files import sha256_of

CFG = dict(
    work_dir='a',
    log_level='INFO',
    visualizer=dict(type='ActionVisualizer', vis_backends=[dict(type='LocalVisBackend')]),
    default_hooks=dict(
        logger=dict(type='LoggerHook', interval=20),
        checkpoint=dict(interval=1, by_epoch=True, save_best='deepfake/auc'),
    ),
    train_dataloader=dict(batch_size=4, num_workers=2),
    train_cfg=dict(max_epochs=3),
)


def test_cells_are_found_in_the_order_of_the_table(tmp_path):
    names = ['my_own_holdout_df/seed_0', 'bin_con_holdout_df/seed_0', 'bin_ce_holdout_nt/seed_10']
    names += ['bin_ce_holdout_f2f/seed_0', 'bin_ce_holdout_nt/seed_2']
    for name in [*names, 'bin_ce_holdout_df/other', 'unrelated/seed_0']:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / 'bin_ce_holdout_df' / 'seed_7').touch()  # no folder
    found = find_cells(tmp_path)
    assert [cell.name for cell in found] == [names[i] for i in (3, 4, 2, 1, 0)]
    assert found[0] == Cell('bin_ce', 'f2f', 0)


def test_configs(tmp_path):
    for name in ('b_holdout_nt.py', 'a_holdout_my2.py', 'a_holdout_df.py', 'x.py'):
        (tmp_path / name).touch()
    names = ['a_holdout_df.py', 'a_holdout_my2.py', 'b_holdout_nt.py']
    other = tmp_path / 'frames'
    other.mkdir()
    (other / 'c_holdout_fs.py').touch()
    (other / 'a_holdout_df.py').touch()  # the first folder's is taken
    found = find_configs([tmp_path, other])
    assert [cell.config for cell in found] == [*names, 'c_holdout_fs.py']
    assert found[Cell('a', 'df', 0)] == tmp_path / 'a_holdout_df.py'
    assert found[Cell('c', 'fs', 0)] == other / 'c_holdout_fs.py'


@pytest.mark.parametrize(
    'options',
    [
        {'default_hooks.logger.interval': 50},
        {'work_dir': 'b'},
        {'visualizer.vis_backends': []},
        {'log_level': 'ERROR'},
        {'log_processor': dict(window_size=5)},
        {'default_hooks.checkpoint.by_epoch': False},
        {'default_hooks.checkpoint.interval': 20},
        {'train_dataloader.num_workers': 0},
        {'default_hooks.accelerator': dict(type='mmfake.AcceleratorHook', tf32=None)},
    ],
)
def test_what_a_run_logs_and_keeps_is_no_setting(options):
    cfg = Config(CFG)
    cfg.merge_from_dict(options)
    assert first_difference(settings_of(Config(CFG)), settings_of(cfg)) is None
    assert fingerprint(settings_of(Config(CFG))) == fingerprint(settings_of(cfg))


@pytest.mark.parametrize(
    ('key', 'value', 'said'),
    [
        ('default_hooks.checkpoint.save_best', 'x', '"deepfake/auc", now "x"'),
        ('train_dataloader.batch_size', 8, '4, now 8'),
        ('train_cfg.max_epochs', 30, '3, now 30'),
        ('default_hooks.logger_of_mine', 1, 'not there, now 1'),
    ],
)
def test_what_decides_the_result_is_one(key, value, said):
    cfg = Config(CFG)
    cfg.merge_from_dict({key: value})
    assert first_difference(settings_of(Config(CFG)), settings_of(cfg)) == f'{key}: {said}'
    assert fingerprint(settings_of(Config(CFG))) != fingerprint(settings_of(cfg))


def test_fingerprints_of_records_written_before_still_hold():
    # as the runner before this one wrote it
    assert fingerprint(settings_of(Config(CFG))) == '47041be5d95529e3'


def test_a_config_that_loads_weights_is_refused(tmp_path):
    path = tmp_path / 'a_holdout_df.py'
    path.write_text('load_from = None\n')
    assert planned_config(path, 3).randomness.seed == 3
    path.write_text("load_from = 'k400.pth'\n")
    with pytest.raises(MMFakeError, match='load_from=k400.pth has no effect here, as cells are'):
        planned_config(path, 3)


def test_the_latest_of_the_best_checkpoints(tmp_path):
    with pytest.raises(MMFakeError, match='training left no best checkpoint'):
        best_checkpoint(tmp_path)
    for name in ('epoch_9', 'epoch_12', 'epoch_12-0a1b2c3d'):
        (tmp_path / f'best_deepfake_auc_{name}.pth').touch()
    assert best_checkpoint(tmp_path).name == 'best_deepfake_auc_epoch_12.pth'


@pytest.mark.parametrize('text', ['{', '[]', '3', b'\xff'.decode('latin-1')])
def test_a_record_that_is_none(tmp_path, text):
    with pytest.raises(MMFakeError, match='not finished'):
        read_record(tmp_path)
    (tmp_path / 'cell.json').write_text(text, encoding='latin-1')
    with pytest.raises(MMFakeError, match='run the cell again'):
        read_record(tmp_path)


def test_a_record_of_other_scores(tmp_path):
    (tmp_path / 'scores.csv').write_text('changed')
    (tmp_path / 'cell.json').write_text(json.dumps(dict(scores_sha256='0')))
    with pytest.raises(MMFakeError, match='its scores.csv is not the one that was recorded'):
        read_record(tmp_path)


@pytest.fixture
def exchange(tiny_tree, tmp_path):
    """A config that reads a copy of a tree, and a function that changes a clip of its test."""
    tree = tmp_path / 'tree'
    shutil.copytree(tiny_tree, tree)
    dataset = dict(type='mmfake.FFPPDataset', split='test', holdout='f2f', data_root=str(tree))
    cfg = Config(dict(work_dir=str(tmp_path), test_dataloader=dict(dataset=dataset)))
    (tmp_path / 'scores.csv').write_text('any')

    def change():
        for video in (tree / 'manipulated_sequences/Face2Face/c23/videos').glob('*.mp4'):
            video.write_bytes(b'another')

    return cfg, change


def test_a_cell_of_clips_that_were_exchanged_is_refused(exchange, tmp_path):
    cfg, change = exchange
    record = dict(settings=fingerprint(settings_of(cfg)), clips=clips_of(cfg))
    record['scores_sha256'] = sha256_of(tmp_path / 'scores.csv')
    for known in (record, {key: record[key] for key in record if key != 'clips'}):
        (tmp_path / 'cell.json').write_text(json.dumps(known))
        assert is_finished(tmp_path, cfg)
    change()
    assert is_finished(tmp_path, cfg)  # of an earlier version, which did not note them
    (tmp_path / 'cell.json').write_text(json.dumps(record))
    with pytest.raises(MMFakeError, match='not trained and tested on these clips: files of'):
        is_finished(tmp_path, cfg)


def test_a_test_of_clips_that_were_exchanged_is_made_anew(exchange, tmp_path):
    cfg, change = exchange
    one = PlannedTest(Detector('a', 0, 'a.py', 'a.pth', 'ab'), 'clean', cfg)
    record = dict(settings=_settings(one), clips=clips_of(cfg, ['test_dataloader']))
    record['scores_sha256'] = sha256_of(tmp_path / 'scores.csv')
    for known in (record, {key: record[key] for key in record if key != 'clips'}):
        (tmp_path / 'test.json').write_text(json.dumps(known))
        assert _is_finished(one)
    change()
    assert _is_finished(one)  # of an earlier version
    (tmp_path / 'test.json').write_text(json.dumps(record))
    assert not _is_finished(one)
