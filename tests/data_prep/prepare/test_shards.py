"""Several machines, one dataset."""

from __future__ import annotations

import pytest

from data_prep import merge_index as merge
from data_prep.prepare.shards import Shard, family_of
from mmfake.datasets.protocol import UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError

# ---- shards


@pytest.fixture(scope='module')
def raw(tmp_path_factory, write_tree):
    return write_tree(tmp_path_factory.mktemp('raw') / 'ffpp', methods=('df',))


DF = ('--methods', 'df')
SMALL = dict(train=[['000', '001']], val=[['002', '003']], test=[['004', '005']])


def test_shards_joined_are_the_whole(raw, tmp_path, prepare, contents, capfd):
    assert prepare(raw, tmp_path / 'whole', *DF)[0] == 0
    parts = tmp_path / 'parts'
    for number in (3, 1, 2):
        status, said = prepare(raw, parts, *DF, '--shard', f'{number}/3')
        assert status == 0
        assert f'of shard {number}/3' in said
    assert merge.main([str(parts)]) == 0
    assert '16 videos' in capfd.readouterr().out
    whole, joined = contents(tmp_path / 'whole'), contents(parts)
    for number in (1, 2, 3):
        del joined[f'index-{number}-of-3.csv'], joined[f'index-{number}-of-3.json']
        joined.pop(f'.index-{number}-of-3.lock', None)
    whole.pop('.index.lock', None)
    assert joined == whole


def test_a_shard_keeps_original_and_fakes_together(write_tree, raw):
    videos = [
        VideoRecord('ffpp', method, 'c23', stem, stem[:3], stem[4:], 'train', '')
        for number in range(20)
        for method, stem in (('original', f'{number:03d}'), ('df', f'{number:03d}_500'))
    ]
    shards = [Shard(number, 3).select(videos) for number in (1, 2, 3)]
    assert sorted(v.video_id for shard in shards for v in shard) == sorted(
        v.video_id for v in videos
    )
    for shard in shards:
        assert 6 <= len({video.target for video in shard}) <= 7
        assert len(shard) == 2 * len({video.target for video in shard})
    # fakes of unknown targets are no family
    assert family_of('dfdc/dfdc/released/a', UNKNOWN) != family_of('dfdc/dfdc/released/b', UNKNOWN)


def test_incomplete_or_overlapping_shards_are_refused(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    with pytest.raises(MMFakeError, match='holds shards of 0 partitions'):
        merge.main([str(out)])
    prepare(raw, out, *DF, '--shard', '1/3')
    prepare(raw, out, *DF, '--shard', '3/3')
    with pytest.raises(MMFakeError, match='lacks shard 2 of 3: run it with --shard i/3'):
        merge.main([str(out)])
    # a copy under the missing number: its videos are in two shards
    first = out / 'index-1-of-3.csv'
    second = out / 'index-2-of-3.csv'
    second.write_bytes(first.read_bytes())
    second.with_suffix('.json').write_bytes(first.with_suffix('.json').read_bytes())
    with pytest.raises(MMFakeError, match='is in shard 2, .* in shard 1'):
        merge.main([str(out)])
    second.unlink()
    # another partition beside it
    prepare(raw, out, *DF, '--shard', '2/2')
    with pytest.raises(MMFakeError, match=r'holds shards of 2 partitions \(1 of 2, 2 of 3\)'):
        merge.main([str(out)])
    assert not (out / 'index.csv').exists()


def test_a_shard_that_did_not_finish_is_refused(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    prepare(raw, out, *DF, '--shard', '1/2')
    prepare(raw, out, *DF, '--shard', '2/2')
    index = out / 'index-2-of-2.csv'
    lines = index.read_text().splitlines()
    assert ',used,' in lines[-1]
    fields = lines[-1].split(',')
    fields[9:11] = ['missing', 'not prepared yet: run it again']
    index.write_text('\n'.join([*lines[:-1], ','.join(fields)]) + '\n')
    with pytest.raises(MMFakeError, match='shard 2 of 2 did not finish'):
        merge.main([str(out)])


@pytest.mark.parametrize(
    ('other', 'match'),
    [
        (['--frames', '20'], 'shards 1 and 2 of 2 were made with another frames'),
        (['--methods', 'df', 'nt'], 'with another list_of_videos, videos'),
    ],
)
def test_shards_of_different_commands_are_refused(tmp_path, write_tree, prepare, other, match):
    raw = write_tree(tmp_path / 'raw', methods=('df', 'nt'), splits=SMALL)
    out = tmp_path / 'out'
    prepare(raw, out, *DF, '--shard', '1/2')
    prepare(raw, out, *DF, '--shard', '2/2', *other)
    with pytest.raises(MMFakeError, match=match):
        merge.main([str(out)])


def test_videos_that_are_not_used_show_in_the_status(raw, tmp_path, prepare, raw_file):
    out = tmp_path / 'out'
    for number in (1, 2):
        prepare(raw, out, *DF, '--min-frames', '24', '--shard', f'{number}/2')
    # originals have 26 frames, the fakes 25, of which 24 may be used; all are there
    assert merge.main([str(out)]) == 0
    index = out / 'index-1-of-2.csv'
    index.write_text(index.read_text().replace(',used,', ',no-face,', 1))
    assert merge.main([str(out)]) == 3
