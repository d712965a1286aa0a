"""Every dataset by its name, against the official numbers."""

from __future__ import annotations

import json

import pytest

from data_prep.listings.list_dataset import LISTINGS, compare_counts, expected_counts, list_dataset
from mmfake.datasets.index import MIXED_PEOPLE
from mmfake.datasets.manipulations import get_manipulation
from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError


@pytest.fixture
def everything(
    celeb, celeb_plus, dfd, dfdc, preview, deeper, ffpp_originals, own, make_tree, bench
):
    """Arguments for each dataset."""
    kinds = [('X_Real', 'real'), ('X_Fake', 'fake')]
    df40 = bench('X', [(a, 'test', (), b, f'DF40/X/{b}/frames/{b}') for a, b in kinds], root='df40')
    other = bench('X', [(label, 'test', (), name, f'X/{name}') for label, name in kinds])
    tree = str(make_tree(methods=('df', 'f2f', 'fs', 'nt', 'fsh')).root)
    return dict(
        ffpp=dict(root=tree),
        faceshifter=dict(root=tree),
        celebdf2=dict(root=str(celeb)),
        celebdfpp=dict(root=str(celeb_plus)),
        dfd=dict(root=str(dfd)),
        df40=dict(root=str(df40)),
        deepfakebench=dict(root=str(other)),
        dfdc=dict(root=str(dfdc)),
        dfdc_preview=dict(root=str(preview)),
        deeperforensics=dict(root=str(deeper), ffpp_root=str(ffpp_originals)),
        folders=dict(root=str(own)),
    )


def test_every_dataset_can_be_listed_and_its_records_make_an_index(everything, log):
    assert set(LISTINGS) == set(everything)
    for name, arguments in everything.items():
        records = list_dataset(name, **arguments)
        assert {record.label_bin for record in records} == {0, 1}
        originals = {record.target for record in records if not record.label_bin}
        originals.add('02__hugging_happy')  # of a fake of DFD
        for record in records:
            assert '/' not in record.stem
            assert get_manipulation(record.method)
            assert record.unavailable is None
            assert bool(record.source) == bool(record.label_bin)
            assert record.target in {*originals, '?'} if record.label_bin else record.stem
            assert record.dataset in ('ffpp', 'own', 'dfd', 'df40', 'x', *MIXED_PEOPLE)
    assert not [line for line in log if 'in none of its lists' in line]


def test_videos_that_no_list_names_are_counted_in_one_line(celeb, log):
    (celeb / 'Celeb-synthesis' / 'my own fake.mp4').touch()
    (celeb / 'YouTube-real' / 'x.AVI').touch()
    (celeb / 'YouTube-real' / 'notes.txt').touch()
    records = list_dataset('celebdf2', str(celeb))
    assert len(records) == 8
    (line,) = [line for line in log if 'in none of its lists' in line]
    assert line.startswith('celebdf2: 2 video files are in none of its lists')
    assert str(celeb / 'Celeb-synthesis' / 'my own fake.mp4') in line
    assert str(celeb / 'YouTube-real' / 'x.AVI') in line


def test_part_of_a_dataset_says_so_in_one_line_and_the_whole_is_silent(celeb, full_tree, log):
    list_dataset('celebdf2', str(celeb))
    (line,) = log
    assert 'train has 3 of 712 originals, train has 2 of 5299 fakes' in line
    assert 'test has 2 of 178 originals, test has 1 of 340 fakes' in line
    assert len(list_dataset('ffpp', str(full_tree.root))) == 5000
    assert len(list_dataset('ffpp', str(full_tree.root), methods=['df'])) == 2000
    assert len(log) == 1


def test_deeperforensics_in_the_splits_of_ffpp_is_measured_by_them(deeper, ffpp_originals, log):
    splits = str(ffpp_originals / 'splits')
    list_dataset('deeperforensics', str(deeper), ffpp_root=str(ffpp_originals), splits_dir=splits)
    (line,) = log
    assert 'train has 4 of 720 originals' in line


def test_deeperforensics_has_140_fakes_of_targets_that_ffpp_tests_on(full_tree, tmp_path, log):
    """One fake of each id, in splits of its own, whose test has ids that FF++ trains on."""
    splits = full_tree.root / 'splits'
    pairs = {path.stem: json.loads(path.read_text()) for path in splits.glob('*.json')}
    ids = sorted(sum(sum(pairs.values(), []), []))
    lists = tmp_path / 'lists' / 'splits'
    lists.mkdir(parents=True)
    (tmp_path / 'manipulated_videos' / 'end_to_end').mkdir(parents=True)
    for split, some in dict(train=ids[:703], val=ids[703:799], test=ids[799:]).items():
        (lists / f'{split}.txt').write_text(''.join(f'{name}_M004.mp4\n' for name in some))
    settings = dict(ffpp_root=str(full_tree.root), splits_dir=str(splits))
    records = list_dataset('deeperforensics', str(tmp_path), **settings)
    tested = sum(pairs['test'], [])
    for label in (0, 1):
        found = [r.target for r in records if (r.split, r.label_bin) == ('test', label)]
        assert sorted(found) == sorted(tested)
        assert len(found) == 140
    assert not log  # the numbers are those of FF++


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('celebdf', {}, "unknown dataset 'celebdf': choose one of ffpp, .*celebdf2"),
        ('celebdf2', dict(compression='c23'), 'compression is no option of dataset celebdf2'),
        ('dfdc', dict(ffpp_root='x'), 'ffpp_root is no option of dataset dfdc'),
        ('faceshifter', dict(methods=['fsh']), 'methods is no option of dataset faceshifter'),
    ],
)
def test_wrong_argument_is_one_line(celeb, name, options, message):
    with pytest.raises(MMFakeError, match=message):
        list_dataset(name, str(celeb), **options)
    with pytest.raises(MMFakeError, match='root .*nothing of dfdc is not a folder'):
        list_dataset('dfdc', str(celeb / 'nothing'))


def test_what_lists_say_wrong_is_left_out_counted_and_named(dfdc, preview, log):
    (dfdc / 'test' / 'labels.csv').write_text('filename,label\nddd.mp4,0\nccc.mp4,0\nx,1\n')
    faults = []
    records = list_dataset('dfdc', str(dfdc), faults=faults)
    assert [record.stem for record in records] == ['aaa', 'bbb', 'ccc', 'ddd']
    assert records[2].split == 'train'
    assert faults[1].startswith(
        f'{dfdc}/test/ccc.mp4 has the id of {dfdc}/dfdc_train_part_10/ccc.mp4, '
        'dfdc/original/released/ccc, and is left out: rename it'
    )
    assert "'x' is no name of a video" in faults[0]
    (line,) = [line for line in log if 'make no sense' in line]
    assert line.startswith(f'dfdc in {dfdc}: entries that make no sense are left out (2)')
    assert all(fault in line for fault in faults)
    (preview / 'dataset.json').write_text('{}')
    with pytest.raises(MMFakeError, match='lists no video; is it'):
        list_dataset('dfdc_preview', str(preview))
    (preview / 'dataset.json').write_text('{"a.mp4": 1}')
    with pytest.raises(MMFakeError, match="lists no video: list .* entry 'a.mp4' is 1, not an obj"):
        list_dataset('dfdc_preview', str(preview))


def test_a_dataset_that_is_given_as_another_is_named(everything):
    roots = {name: arguments['root'] for name, arguments in everything.items()}
    named = {}
    for name, arguments in everything.items():
        for other in roots:
            if other == name or {name, other} == {'ffpp', 'faceshifter'}:  # one tree
                continue
            if {name, other} == {'df40', 'deepfakebench'}:  # any list will do
                continue
            with pytest.raises(MMFakeError) as caught:
                list_dataset(name, **dict(arguments, root=roots[other]))
            named[name, other] = str(caught.value).split(': use ')[-1]
    wanted = {other: f'--dataset {other}' for other in roots}
    wanted.update(ffpp='prepare_ffpp.py', faceshifter='prepare_ffpp.py')
    assert named == {(name, other): wanted[other] for name, other in named}
    assert len(named) > 30


# ---- the official numbers


@pytest.mark.parametrize(
    ('name', 'originals', 'fakes', 'test'),
    [
        ('ffpp', 1000, 4000, [140, 560]),
        ('faceshifter', 1000, 1000, [140, 140]),
        ('celebdf2', 590 + 300, 5639, [178, 340]),
        ('celebdfpp', 590 + 300, 53196, [178, 340 + 7 * 200 + 7 * 200 + 7 * 300]),
        ('dfd', 363, 3068, [363, 3068]),
        ('dfdc', 19154 + 2500, 100000 + 2500, [2500, 2500]),
        ('dfdc_preview', 276, 501, [276, 501]),
        ('deeperforensics', 1000, 1000, [201, 201]),
    ],
)
def test_sums_are_the_published_totals(name, originals, fakes, test):
    counts = expected_counts(name)
    sums = [sum(n for (_, label), n in counts.items() if label == wanted) for wanted in (0, 1)]
    assert sums == [originals, fakes]
    assert [counts['test', label] for label in (0, 1)] == test
    grown = 3600 if name == 'ffpp' else counts.get(('train', 1))
    assert expected_counts(name, 5).get(('train', 1)) == grown


def test_comparison_names_what_differs_and_ignores_what_is_not_published():
    def video(split, method):
        return VideoRecord('x', method, 'released', 's', 's', '', split, 's.mp4')

    records = [video('test', 'original'), video('test', 'cdf'), video('val', 'original')]
    expected = {('test', 0): 1, ('test', 1): 2, ('train', 0): 1}
    assert compare_counts(records, expected) == 'test has 1 of 2 fakes, train has 0 of 1 originals'
    assert compare_counts(records, {('test', 0): 1}) == ''
