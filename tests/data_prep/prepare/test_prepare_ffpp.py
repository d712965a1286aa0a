"""The whole command: from a raw tree to the dataset that reads it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace

import av
import numpy as np
import pytest

from data_prep import prepare_ffpp as ffpp_command
from data_prep.prepare.index_file import PROVENANCE
from data_prep.prepare.preparation import one_run
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.index import COLUMNS
from mmfake.errors import MMFakeError
from tests.data_prep.prepare.conftest import DF, index_of


@pytest.fixture(scope='module')
def raw(tmp_path_factory, write_tree):
    return write_tree(tmp_path_factory.mktemp('raw') / 'ffpp')


def _frames(path):
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format='rgb24') for f in container.decode(video=0)])


def test_every_video_becomes_a_clip(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    status, said = prepare(raw, out)
    assert status == 0
    assert '40 videos: 0 done before, 40 to do, 0 missing' in said
    assert '40 videos made' in said
    index = index_of(out)
    assert ('id', *index.columns) == (*COLUMNS, *PROVENANCE)
    assert len(index) == 40
    assert set(index.status) == {'used'}
    # an original, then its fakes
    assert list(index.index[:5]) == [
        f'ffpp/{name}'
        for name in ('original/c23/000', *(f'{m}/c23/000_001' for m in ('df', 'f2f', 'fs', 'nt')))
    ]
    row = index.loc['ffpp/nt/c23/003_002']
    assert (row.split, row.target, row.source, row.fps) == ('train', '003', '002', '25')
    # 26 frames less four, cut to what the original has, at most 24
    assert row.frames == '22'
    assert row.track_of == 'ffpp/original/c23/003'
    assert index.loc['ffpp/original/c23/003'].frames == '24'
    clip = _frames(out / row.path)
    assert clip.shape == (22, 32, 32, 3)
    grey = 30 + 5 * 3 + 6 * np.arange(22)  # the film of target 003
    assert np.abs(clip.mean(axis=(1, 2, 3)) - grey).max() < 3
    source = (out / row.source_file).resolve()
    assert source == raw / 'manipulated_sequences/NeuralTextures/c23/videos/003_002.mp4'


def test_the_dataset_reads_it_and_a_second_run_does_nothing(raw, tmp_path, prepare, contents):
    out = tmp_path / 'out'
    prepare(raw, out, '--format', 'npy')
    dataset = FFPPDataset(pipeline=[], split='train', holdout='f2f', data_root=str(out))
    dataset.full_init()
    assert len(dataset) == 16
    assert dataset.get_data_info(0)['filename'] == str(out / 'clips/original/c23/000.npy')
    before = contents(out)
    times = {path: path.stat().st_mtime_ns for path in (out / 'clips').rglob('*')}
    status, said = prepare(raw, out, '--format', 'npy')
    assert status == 0
    assert '40 videos: 40 done before, 0 to do' in said
    assert 'nothing had to be made' in said
    assert contents(out) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def _damage(raw, out, write):
    with open(out / 'clips/df/c23/000_001.mp4', 'r+b') as stream:
        stream.truncate(100)
    (out / 'clips/original/c23/002.mp4').unlink()
    (out / 'records/df/c23/004_005.json').write_text('{"facts": {')


def _lose_a_track(raw, out, write):
    """And the record of its fake, which must not be tracked by itself for that."""
    (out / 'tracks/original/c23/000.npz').unlink()
    (out / 'records/df/c23/000_001.json').unlink()


def _touch(raw, out, write):
    path = raw / 'original_sequences/youtube/c23/videos/000.mp4'
    shutil.copyfile(path, path.with_suffix('.copy'))
    path.with_suffix('.copy').replace(path)


def _new_original(raw, out, write):
    film = np.full((26, 48, 64, 3), 77, np.uint8)
    write(raw / 'original_sequences/youtube/c23/videos/000.mp4', film)


@pytest.mark.parametrize(
    ('change', 'words', 'made'),
    [
        (_damage, (), 3),
        (_lose_a_track, (), 2),
        (None, ('--format', 'npy'), 12),
        (_touch, (), 0),  # another time, the same content
        (_new_original, (), 2),  # the original and its fake
        (None, ('--size', '36'), 12),
        (None, ('--own-track',), 12),
    ],
)
def test_only_what_changed_is_made_again(
    small, tmp_path, prepare, write_raw, change, words, made, contents
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(small, raw)
    prepare(raw, out, *DF)
    if change:
        change(raw, out, write_raw)
    status, said = prepare(raw, out, *DF, *words)
    assert status == 0
    assert (f'{made} videos made' if made else 'nothing had to be made') in said
    # and the result is that of a fresh run
    prepare(raw, tmp_path / 'fresh', *DF, *words)
    ours, fresh = (
        {name: data for name, data in contents(folder).items() if not name.startswith('records')}
        for folder in (out, tmp_path / 'fresh')
    )
    assert ours == fresh


def test_other_methods_join_the_index(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    prepare(raw, out, '--methods', 'df')
    status, said = prepare(raw, out, '--methods', 'nt')
    assert status == 0
    assert '8 videos of earlier runs with other methods stay in the index' in said
    assert index_of(out).method.value_counts().to_dict() == dict(df=8, nt=8, original=8)
    # rows that are no longer true leave it
    _, said = prepare(raw, out, '--methods', 'df', '--size', '36')
    assert '8 videos of earlier runs left the index: other settings, or other splits' in said
    assert set(index_of(out).method) == {'original', 'df'}
    (out / 'index.csv').write_text('id,path\nx,y,z,w\n')
    with pytest.raises(MMFakeError, match='index .* is damaged or no index of a preparation'):
        prepare(raw, out, '--methods', 'df')


@pytest.mark.parametrize('state', ['broken', 'another'])
def test_methods_of_earlier_runs_whose_original_is_not_what_it_was_are_told(
    raw, tmp_path, prepare, raw_file, write_raw, state
):
    now, out, words = tmp_path / 'raw', tmp_path / 'out', 'were prepared when their original was'
    shutil.copytree(raw, now)
    original = raw_file(now, 'original', '004')
    if state == 'broken':
        original.write_bytes(original.read_bytes()[:1000])
    else:
        write_raw(original, np.full((26, 48, 64, 3), 77, np.uint8))
    prepare(now, out, '--methods', 'df', 'fs')
    shutil.copyfile(raw_file(raw, 'original', '004'), original)
    status, said = prepare(now, out, '--methods', 'nt')
    assert status == 0
    assert (
        '16 videos of earlier runs with other methods stay in the index\n'
        f'2 of them {words} another file or not used: prepare their methods (df, fs) together with '
        'these, which makes them again: ffpp/df/c23/004_005, ffpp/fs/c23/004_005\n'
    ) in said
    # as it says, and then nothing is behind
    _, said = prepare(now, out, '--methods', 'df', 'fs', 'nt')
    assert '2 videos made' in said
    _, said = prepare(now, out, '--methods', 'nt')
    assert '16 videos of earlier runs with other methods stay in the index' in said
    assert words not in said
    assert set(index_of(out).query('target == "004"').track_of) == {'ffpp/original/c23/004'}


def test_a_track_of_its_own_is_not_behind_its_original(raw, tmp_path, prepare, write_raw, raw_file):
    now, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(raw, now)
    prepare(now, out, '--methods', 'df', '--own-track')
    _new_original(now, out, write_raw)
    _, said = prepare(now, out, '--methods', 'nt', '--own-track')
    assert '8 videos of earlier runs with other methods stay in the index\nindex' in said


def test_a_folder_keeps_the_preset_of_its_clips(small, tmp_path, prepare, monkeypatch):
    """An earlier version made clips with preset medium, and told of no preset."""
    out, read = tmp_path / 'out', ffpp_command.read_settings
    with monkeypatch.context() as earlier:
        earlier.setattr(
            ffpp_command, 'read_settings', lambda args: replace(read(args), preset='medium')
        )
        status, _ = prepare(small, out, *DF, '--shard', '1/2')
        assert status == 0
    codec = 'h264 crf12 g16 bf0 fastdecode yuv420p'
    record = json.loads(next((out / 'records').rglob('*.json')).read_text())
    assert record['inputs']['settings']['codec'] == codec
    assert 'preset' not in record['inputs']['settings']
    before = {path: path.read_bytes() for path in (out / 'clips').rglob('*.mp4')}
    assert before
    # the rest, and all of it once more, by this version: nothing is made anew, nothing is mixed
    _, said = prepare(small, out, *DF, '--shard', '2/2')
    assert f'the clips in {out} were made with preset medium of x264, and so are the others' in said
    _, said = prepare(small, out, *DF)
    assert '12 done before, 0 to do' in said
    assert set(index_of(out).codec) == {codec}
    assert {path: path.read_bytes() for path in before} == before
    medium = {path: b'subme=7' in path.read_bytes() for path in (out / 'clips').rglob('*.mp4')}
    assert len(medium) == 12
    assert all(medium.values()), 'x264 notes its settings'
    # another folder gets the new preset
    _, said = prepare(small, tmp_path / 'new', *DF)
    assert 'with preset' not in said
    assert set(index_of(tmp_path / 'new').codec) == {f'h264 veryfast {codec[5:]}'}
    clip = tmp_path / 'new/clips/df/c23/000_001.mp4'
    assert b'subme=2' in clip.read_bytes()


def test_one_run_at_a_time_ended_by_sigterm_like_ctrl_c(small, tmp_path, prepare):
    index = tmp_path / 'out' / 'index.csv'
    with one_run(index), pytest.raises(MMFakeError, match='another run is writing it'):
        prepare(small, index.parent, *DF)
    with pytest.raises(KeyboardInterrupt), one_run(index):
        os.kill(os.getpid(), signal.SIGTERM)
    with one_run(index):
        pass


def test_a_dry_run_and_a_place_that_cannot_be_written_to(small, tmp_path, prepare):
    status, said = prepare(small, tmp_path / 'out', *DF, '--dry-run')
    assert status == 0
    assert '12 videos: 0 done before, 12 to do, 0 missing' in said
    assert not (tmp_path / 'out').exists()
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match=r'--out .*file cannot be written to \('):
        prepare(small, tmp_path / 'file', *DF)


@pytest.mark.parametrize(
    ('words', 'match'),
    [
        (['--size', '33'], '--size 33'),
        (['--size', '48'], '--size 48 is a width that decord cannot read'),
        (['--frames', '8'], '--min-frames 16 is not from 1 to --frames 8'),
        (['--margin', '9'], 'margin=9.0 of the face settings is not from'),
        (['--jobs', '0'], '--jobs 0'),
        (['--timeout', '0'], '--timeout 0'),
        (['--shard', '3/2'], "--shard '3/2' is not i/n"),
        (['--detector', 'yunet'], '--model FILE and --detector yunet go together'),
        (['--compression', 'c24'], "unknown compression 'c24'"),
        (['--compression', 'c40'], 'no folder .*c40'),
        (['--methods', 'xyz'], "unknown manipulation 'xyz'"),
        (['--splits', 'nowhere'], 'split file nowhere/train.json not found: copy'),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_written(small, tmp_path, prepare, words, match):
    with pytest.raises(MMFakeError, match=match) as error:
        prepare(small, tmp_path / 'out', *DF, *words)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_the_raw_dataset_is_never_written_to(small, prepare, contents):
    before = contents(small)
    for out in (small, small / 'manipulated_sequences' / 'Deepfakes' / 'c23' / 'videos'):
        with pytest.raises(MMFakeError, match='lies in the raw dataset'):
            prepare(small, out)
    assert contents(small) == before


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        ffpp_command.main(['--help'])
    said = ' '.join(capsys.readouterr().out.split())
    for word in ('OUT/index.csv', 'examples:', 'exit status', 'default: centerface', '--own-track'):
        assert word in said


def test_records_say_what_a_clip_was_made_from(small, tmp_path, prepare):
    out = tmp_path / 'out'
    prepare(small, out, *DF)
    record = json.loads((out / 'records/df/c23/000_001.json').read_text())
    raw = small / 'manipulated_sequences/Deepfakes/c23/videos/000_001.mp4'
    assert record['inputs']['source']['size'] == raw.stat().st_size
    assert record['inputs']['settings']['size'] == '32'
    assert record['inputs']['guide'][0] == 'ffpp/original/c23/000'
