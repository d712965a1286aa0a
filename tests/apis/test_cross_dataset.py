"""The cross-dataset command on rendered sets: which folder is which, table, means, resuming."""

import json
import shutil

import pandas as pd
import pytest
from PIL import Image

from mmfake.apis.cross_dataset import _what, find_set
from mmfake.engine.config import load_config
from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import RunScores
from mmfake.evaluation.scores_file import read_scores_file
from mmfake.video.frame_reader import FrameReader

CONFIG = 'configs/mtl/bin_ce_holdout_f2f.py'
HEADER = 'id,path,method,compression,target,source,split,frames,fps,status,reason'


@pytest.fixture
def prepared(tmp_path, tiny_tree):
    """Make the index of a dataset of two originals and three fakes, one without a face."""
    film = next(tiny_tree.glob('original_sequences/youtube/c23/videos/*.mp4')).read_bytes()

    def make(dataset, method, folder='set', compressions=('released',)):
        root = tmp_path / folder
        root.mkdir()
        rows = [HEADER]
        for kind in compressions:
            for name in ('x', 'y', 'x_1', 'x_2'):
                (root / f'{kind}_{name}.mp4').write_bytes(film)
            rows += [
                f'{dataset}/original/{kind}/{name},{kind}_{name}.mp4,original,{kind},{name},,'
                'test,12,25,used,'
                for name in ('x', 'y')
            ]
            rows += [
                f'{dataset}/{method}/{kind}/x_{n},{kind}_x_{n}.mp4,{method},{kind},x,?,'
                'test,12,25,used,'
                for n in (1, 2)
            ]
            rows.append(
                f'{dataset}/{method}/{kind}/x_3,,{method},{kind},x,?,test,,,no-face,no face'
            )
        (root / 'index.csv').write_text('\n'.join(rows) + '\n')
        return root

    return make


def test_a_set_is_what_its_index_says(prepared, tiny_tree, tmp_path):
    root = prepared('celebdf2', 'cdf')
    assert find_set(f'cdf={root}')[1:] == (str(root), ('cdf',), 'released')
    assert find_set(f'my-own={root}').methods == ('cdf',)
    assert find_set(f'ffpp={tiny_tree}')[1:] == (str(tiny_tree), (), '')
    assert find_set(f'fsh={tiny_tree}').methods == ('fsh',)


def test_a_preview_given_as_dfdc_is_refused_with_its_name(prepared):
    root = prepared('dfdc_preview', 'dfdcp')
    with pytest.raises(MMFakeError, match=f'is not dfdc; give it as dfdcp={root}'):
        find_set(f'dfdc={root}')


@pytest.mark.parametrize(
    ('word', 'told'),
    [
        ('cdf', 'write NAME=DIR'),
        ('a b=.', 'write NAME=DIR'),
        ('cdf=nowhere', 'nowhere is not a folder'),
        ('cdf={raw}', 'prepare it first: python data_prep/prepare_dataset.py --dataset celebdf2'),
        ('ffpp={raw}', 'is no dataset'),
        ('mine={two}', 'several compressions .c23, c40.'),
    ],
)
def test_folders_that_will_not_do(word, told, prepared, tmp_path):
    (tmp_path / 'raw').mkdir()
    two = prepared('mine', 'fake', 'two', ('c23', 'c40'))
    with pytest.raises(MMFakeError, match=told):
        find_set(word.format(raw=tmp_path / 'raw', two=two))


def test_a_set_without_originals_is_refused(prepared):
    root = prepared('celebdf2', 'cdf')
    lines = (root / 'index.csv').read_text().splitlines()
    kept = [line for line in lines if '/original/' not in line]
    (root / 'index.csv').write_text('\n'.join(kept) + '\n')
    with pytest.raises(MMFakeError, match='no test videos of both classes'):
        find_set(f'cdf={root}')


def test_rendered_faces_are_told_by_their_videos(prepared):
    one = find_set(f'mine={prepared("mini_ffpp", "df")}')
    frame = pd.DataFrame(dict(video=['mini_ffpp/df/c23/000_001'], method='df', label=1, score=0.5))
    assert '**rendered faces' in _what(one, [RunScores('a', 'mine', 0, frame)])
    assert '(prepared; ' in _what(one, [RunScores('a', 'other', 0, frame)])


def test_one_table_of_several_sets(
    prepared, tiny_tree, small_scale, checkpoints, tmp_path, tool, capfd
):
    copy = tmp_path / 'copy'
    shutil.copytree(tiny_tree, copy)
    out, cdf = tmp_path / 'out', prepared('celebdf2', 'cdf')
    words = [CONFIG, *checkpoints, '--names', 'a', 'b', '--scale', small_scale, '--bootstrap', '30']
    words += ['--sets', f'ffpp={tiny_tree}', f'copy={copy}', f'cdf={cdf}', '--out', str(out)]
    assert tool('cross_dataset').main(words) == 0
    printed = capfd.readouterr()
    assert printed.err.count('tested ') == 6
    table = pd.read_csv(out / 'cross_dataset.csv').set_index(['detector', 'set'])
    sets = ['ffpp', 'copy', 'cdf']
    for detector in ('a', 'b'):
        cells = table.loc[detector]
        assert list(cells.index) == [*sets, 'mean', 'mean without FF++']
        assert cells.loc['mean', 'auc'] == pytest.approx(cells.loc[sets, 'auc'].mean())
        assert cells.loc['mean without FF++', 'acc'] == pytest.approx(
            cells.loc[sets[1:], 'acc'].mean()
        )
        assert cells.loc['copy', 'auc_low'] == cells.loc['ffpp', 'auc_low']  # the same videos
    assert list(table.loc[('a', 'cdf'), ['n_expected', 'n_scored']]) == [5, 4]
    assert '| cdf ' in printed.out
    videos = table.loc[('a', 'ffpp'), 'n_expected']
    assert f'ffpp and copy share {videos:.0f} videos: the mean counts them twice' in printed.out
    assert printed.out.count(' share ') == 1
    assert ' 4 of 5 ' in printed.out
    assert '**rendered faces' in printed.out
    assert '93.38' in printed.out  # the published figures
    pairs = pd.read_csv(out / 'comparisons.csv')
    assert list(pairs['set']) == sets
    assert {(out / f'cross_dataset{end}').is_file() for end in ('.png', '.svg')} == {True}
    record = json.loads((out / 'cross_dataset.json').read_text())
    assert [one['name'] for one in record['sets']] == sets

    # the same by hand
    by_hand = tmp_path / 'by_hand.py'
    by_hand.write_text(f"""
_base_ = {str(tmp_path / 'leaf.py')!r}
dataset = dict(data_root={str(cdf)!r}, holdout='cdf', methods=['cdf'], compression='released')
test_dataloader = dict(dataset=dataset)
""")
    load_config(CONFIG, small_scale).dump(tmp_path / 'leaf.py')
    work = str(tmp_path / 'work')
    assert tool('test').main([str(by_hand), checkpoints[1], '--work-dir', work]) == 0
    assert read_scores_file(out / 'b_5' / 'cdf' / 'scores.csv').equals(
        read_scores_file(f'{work}/scores.csv')
    )

    # again
    first = (out / 'cross_dataset.csv').read_bytes()
    capfd.readouterr()
    assert tool('cross_dataset').main(words) == 0
    told = capfd.readouterr().err
    assert (told.count('tested '), told.count('skipped ')) == (0, 6)
    assert (out / 'cross_dataset.csv').read_bytes() == first


def test_single_frames_are_no_clips_unless_asked_for(
    tiny_tree, small_scale, checkpoints, tmp_path, tool, capfd
):
    film = next(tiny_tree.glob('original_sequences/youtube/c23/videos/*.mp4'))
    with FrameReader(film) as reader:
        for number, frame in enumerate(reader):
            Image.fromarray(frame.picture).save(tmp_path / f'{number}.png')
    root = tmp_path / 'df40'
    root.mkdir()
    for stem in ('a', 'b'):
        lines = ''.join(f'../{n}.png\n' for n in range(number + 1))
        (root / f'{stem}.pictures').write_text(lines)
    rows = [
        f'df40/{method}/released/{stem},{stem}.pictures,{method},released,{people},test,,,used,,yes'
        for method, stem, people in (('original', 'a', 'a,'), ('df40', 'b', '?,?'))
    ]
    (root / 'index.csv').write_text('\n'.join([f'{HEADER},sparse', *rows]) + '\n')
    words = [CONFIG, checkpoints[0], '--scale', small_scale, '--bootstrap', '30']
    words += ['--sets', f'df40={root}', '--out', str(tmp_path / 'out')]
    with pytest.raises(MMFakeError, match='2 of 2 videos .* are single frames.*sparse=True') as one:
        tool('cross_dataset').main(words)
    assert '\n' not in str(one.value)
    asked = ['--cfg-options', 'test_dataloader.dataset.sparse=True']
    assert tool('cross_dataset').main([*words, *asked]) == 0
    assert ' 2 of 2 ' in capfd.readouterr().out
    with pytest.raises(MMFakeError, match=f'is not cdfpp; give it as df40={root}'):
        find_set(f'cdfpp={root}')


def test_a_name_is_given_once(tiny_tree, small_scale, checkpoints, tmp_path, tool):
    words = [CONFIG, checkpoints[0], '--out', str(tmp_path), '--scale', small_scale, '--sets']
    with pytest.raises(MMFakeError, match='ffpp is there twice'):
        tool('cross_dataset').main([*words, f'ffpp={tiny_tree}', f'ffpp={tiny_tree}'])
    (tmp_path / 'link').symlink_to(tiny_tree)
    with pytest.raises(MMFakeError, match='ffpp and mine are the same videos .*give them once'):
        tool('cross_dataset').main([*words, f'ffpp={tiny_tree}', f'mine={tmp_path / "link"}'])


def test_detectors_of_other_hold_outs_are_no_seeds(
    tiny_tree, small_scale, checkpoints, tmp_path, tool
):
    other = CONFIG.replace('f2f', 'df')
    words = [CONFIG, checkpoints[0], other, checkpoints[1], '--scale', small_scale]
    words += ['--sets', f'ffpp={tiny_tree}', '--out', str(tmp_path / 'out'), '--names', 'a', 'a']
    told = 'is tested on f2f .c23. and .* on df .c23.: they are no seeds of one training'
    with pytest.raises(MMFakeError, match=told):
        tool('cross_dataset').main(words)
    assert not (tmp_path / 'out').exists()
