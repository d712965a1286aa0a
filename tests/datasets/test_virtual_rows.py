"""Virtual rows: forgeries made from the originals of training, as samples like any others."""

from __future__ import annotations

import logging
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.index import COLUMNS
from mmfake.datasets.manipulations import synthetic_keys
from mmfake.datasets.protocol import HoldOut
from mmfake.datasets.samplers import BalancedSampler, PairedSampler
from mmfake.errors import MMFakeError

KEYS = ('sbi', 'eyeexpr', 'physeye', 'physillum', 'physmouth', 'physnose')
FACE = 64 * np.float64([(0.37, 0.41), (0.63, 0.41), (0.5, 0.56), (0.4, 0.72), (0.6, 0.72)])
PIPELINE = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='mmfake.SelfBlend'),
    dict(type='mmfake.AttributeForgery'),
    dict(type='mmfake.Recompress'),
    dict(type='RandomResizedCrop', area_range=(0.7, 1.0), aspect_ratio_range=(0.9, 1 / 0.9)),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(
        type='PackActionInputs',
        algorithm_keys=('label_bin', 'label_multi', 'attributes', 'sample_idx'),
        meta_keys=('video_id', 'method'),
    ),
]


def read(tree, split='train', holdout='f2f', pipeline=(), **kwargs):
    root = str(tree.root)
    return FFPPDataset(list(pipeline), split=split, holdout=holdout, data_root=root, **kwargs)


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def add_points(tree, stems):
    folder = tree.path('original', 'x').parents[1] / 'points'
    folder.mkdir(exist_ok=True)
    for number, stem in enumerate(stems):
        points = np.broadcast_to(FACE + number % 3, (40, 5, 2)).astype(np.float32)
        np.save(folder / f'{stem}.npy', points)


@pytest.fixture
def tree(small_tree):
    """Six people in training, all with points."""
    add_points(small_tree, [f'{n:03d}' for n in range(10)])
    return small_tree


@pytest.fixture
def said(caplog):
    """Everything that is logged."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.handler.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)


# ---- Rows -----------------------------------------------------------------------------------


def test_every_original_of_training_has_a_blend_behind_it(tree, said):
    dataset = read(tree, synthetic=('sbi',))
    plain, rows = infos(read(tree)), infos(dataset)
    made = [row for row in rows if row['method'] == 'sbi']
    assert len(rows) == len(plain) + 6 == 30
    assert '30 videos (6 original, 6 df, 6 fs, 6 nt, 6 sbi (made))' in said.text
    for place, row in enumerate(rows):
        if row['method'] == 'sbi':
            original = rows[place - 1]
            new = dict(original, sample_idx=row['sample_idx'], method='sbi', label=1, label_bin=1)
            new.update(
                label_multi=4,
                video_id=original['video_id'].replace('/original/', '/sbi/'),
                source=original['target'],
                points=row['points'],
            )
            del new['attributes']  # which nobody knows of a blend
            assert row == new
            assert np.load(row['points']).shape == (40, 5, 2)
    assert len({row['video_id'] for row in rows}) == 30
    meta = dataset.metainfo
    assert meta['multi_classes'] == ('original', 'df', 'fs', 'nt', 'sbi')
    assert set(meta['expected_videos']) == {row['video_id'] for row in rows}
    assert meta['expected_videos'][made[0]['video_id']] == dict(method='sbi', label=1)


def test_the_other_methods_have_the_labels_they_have_in_the_validation(tree):
    labels = {row['method']: row['label_multi'] for row in infos(read(tree, synthetic=KEYS))}
    val = {row['method']: row['label_multi'] for row in infos(read(tree, 'val'))}
    assert val == {key: labels[key] for key in ('original', 'df', 'fs', 'nt')}
    assert [labels[key] for key in KEYS] == [4, 5, 6, 7, 8, 9]
    assert synthetic_keys() == KEYS


def test_forgeries_know_what_they_alter_and_whose_parts_they_may_take(tree):
    rows = infos(read(tree, synthetic=KEYS))
    attributes = {row['method']: row['attributes'] for row in rows if 'attributes' in row}
    assert set(attributes) == {'original', 'df', 'fs', 'nt', *KEYS} - {'sbi'}
    assert attributes['physnose'] == (0, 0, 1, 0, 0, 0, 1)
    others = {row['method'] for row in rows if 'donors' in row}
    assert others == {'physeye', 'physmouth', 'physnose'}
    row = next(row for row in rows if row['method'] == 'physeye')
    assert row['source'] == '?'
    assert [donor['target'] for donor in row['donors']] == [f'{n:03d}' for n in range(6)]
    assert all('original' in donor['filename'] for donor in row['donors']), 'of this split alone'


def test_originals_alone_are_enough(make_tree):
    tree = make_tree(methods=())
    add_points(tree, [f'{n:03d}' for n in range(6)])
    for holdout in (None, 'df'):
        dataset = read(tree, holdout=holdout, methods=[], synthetic='sbi')
        rows = [(row['method'], row['label_multi']) for row in infos(dataset)]
        assert Counter(rows) == {('original', 0): 6, ('sbi', 1): 6}
    assert HoldOut('test', 'df', []).methods == ('original', 'df')


def test_an_index_names_the_points(tree):
    rows = list(tree.rows())
    for row in rows:
        if row['method'] == 'original' and row['target'] != '003':
            row['points'] = f'elsewhere/{row["target"]}.npy'
    (tree.root / 'elsewhere').mkdir()
    for number in range(6):
        np.save(tree.root / 'elsewhere' / f'{number:03d}.npy', np.zeros((40, 5, 2), np.float32))
    tree.write_index(rows, header=(*COLUMNS, 'points'))
    made = {r['target']: r['points'] for r in infos(read(tree, synthetic='sbi')) if 'points' in r}
    assert sorted(made) == ['000', '001', '002', '004', '005']
    assert made['004'] == str(tree.root / 'elsewhere' / '004.npy')


# ---- Points that are not there --------------------------------------------------------------


def test_originals_without_points_are_counted_and_named_and_not_forged(small_tree, said):
    add_points(small_tree, ['000', '001', '003'])
    rows = infos(read(small_tree, synthetic=('sbi', 'physeye')))
    assert Counter(row['method'] for row in rows)['sbi'] == 3
    assert {donor['target'] for row in rows for donor in row.get('donors', ())} == {
        *('000', '001', '003')
    }
    (line,) = [r.getMessage() for r in said.records if r.levelno == logging.WARNING]
    assert '3 of 6 originals' in line
    assert 'ffpp/original/c23/002, ffpp/original/c23/004, ffpp/original/c23/005' in line


def test_a_face_in_the_centre_is_taken_for_granted_only_when_asked_for(small_tree, log):
    rows = infos(read(small_tree, synthetic='sbi', without_points='centre'))
    assert [row['points'] for row in rows if row['method'] == 'sbi'] == [''] * 6
    assert log == []
    add_points(small_tree, ['000', '001'])
    rows = infos(read(small_tree, synthetic=('sbi', 'physillum'), without_points='centre'))
    counts = Counter(row['method'] for row in rows)
    assert (counts['sbi'], counts['physillum']) == (6, 2)
    (line,) = log
    assert 'needed for physillum' in line


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(synthetic='sbj'), "unknown synthetic method 'sbj': known are sbi, eyeexpr"),
        (dict(synthetic=['df']), "unknown synthetic method 'df'.*on disk are named in methods"),
        (dict(split='val', synthetic='sbi'), "synthetic=sbi in split 'val': .* val_dataloader"),
        (dict(split='test', synthetic=KEYS), "in split 'test'"),
        (dict(methods=['df', 'f2f', 'sbi']), "'sbi' is made from originals while training"),
        (dict(holdout='sbi'), "'sbi' is made from originals .* neither read nor held out"),
        (dict(methods=[]), "methods holds nothing: split 'train' needs another, or something syn"),
        (dict(split='val', methods=[]), "methods holds nothing: split 'val' needs another$"),
        (dict(synthetic='sbi', without_points='guess'), "without_points 'guess': choose skip or"),
    ],
)
def test_mistakes_end_in_one_line(tree, arguments, message):
    with pytest.raises(MMFakeError, match=message):
        read(tree, **{'split': 'train', 'holdout': 'f2f', **arguments})


def test_no_points_at_all_ends_in_one_line_with_the_way_out(small_tree):
    with pytest.raises(MMFakeError, match=r'6 of 6 originals in .*: prepare the dataset with'):
        read(small_tree, synthetic='sbi')
    small_tree.write_index(small_tree.rows())
    command = f'add_points.py {small_tree.root}/index.csv'
    with pytest.raises(MMFakeError, match=command):
        read(small_tree, synthetic='sbi')
    (small_tree.root / 'index.csv').unlink()
    (small_tree.root / 'mini_ffpp.json').write_text('{}')
    with pytest.raises(MMFakeError, match=f'make_mini_ffpp.py --out {small_tree.root}'):
        read(small_tree, synthetic='sbi')


def test_a_bank_of_one_person_ends_in_one_line(small_tree):
    add_points(small_tree, ['004'])
    with pytest.raises(MMFakeError, match='physmouth takes parts of another person.* show 1: '):
        read(small_tree, synthetic=('sbi', 'physmouth'))
    assert len(read(small_tree, synthetic=('sbi', 'physillum'))) == 26


def test_a_pipeline_that_does_not_make_the_forgery_is_refused(tree):
    """It would show originals under the label of a forgery."""
    without = [step for step in PIPELINE if 'SelfBlend' not in step['type']]
    with pytest.raises(MMFakeError, match=r'synthetic=sbi, but no transform .*mmfake\.SelfBlend'):
        read(tree, synthetic=('sbi', 'physeye'), pipeline=without)
    without = [step for step in PIPELINE if 'Attribute' not in step['type']]
    with pytest.raises(MMFakeError, match='synthetic=eyeexpr, phys.*mmfake.AttributeForgery'):
        read(tree, synthetic=KEYS, pipeline=without)
    assert len(read(tree, pipeline=without)) == 24
    assert len(read(tree, synthetic='sbi', pipeline=without)) == 30


# ---- Through samplers and loaders -----------------------------------------------------------


def test_pairs_are_an_original_and_its_blend(tree):
    dataset = read(tree, methods=[], synthetic='sbi')
    indices = list(PairedSampler(dataset, seed=0))
    assert len(indices) == 12
    for first, second in zip(indices[::2], indices[1::2]):
        one, two = dataset.get_data_info(first), dataset.get_data_info(second)
        assert (one['method'], two['method']) == ('original', 'sbi')
        assert one['target'] == two['target']
        assert first.seed == second.seed
    mixed = read(tree, synthetic='sbi')
    methods = [mixed.get_data_info(i)['method'] for i in BalancedSampler(mixed, seed=0)]
    assert Counter(methods[1:9:2]) == dict.fromkeys(('df', 'fs', 'nt', 'sbi'), 1)


@pytest.fixture
def filmed(make_tree, video_writer):
    """Clips of noise in four training identities, one of which does not decode."""
    tree = make_tree(
        dict(train=[['000', '001'], ['002', '003']], val=[['004', '005']], test=[['006', '007']]),
        methods=(),
        write=lambda path: video_writer(path, frames=40, seed=int(path.stem)),
    )
    add_points(tree, ['000', '001', '002', '003'])
    tree.path('original', '003').write_bytes(b'no video')
    return tree


def batches(tree, workers, **kwargs):
    dataset = dict(type='mmfake.FFPPDataset', data_root=str(tree.root), pipeline=PIPELINE)
    dataset.update(methods=[], **kwargs)
    loader = dict(
        batch_size=4,
        num_workers=workers,
        sampler=dict(type='mmfake.PairedSampler', seed=0),
        dataset=dataset,
    )
    return list(Runner.build_dataloader(loader, seed=0))


def test_clips_do_not_depend_on_the_workers_and_keep_what_is_around_the_face(filmed):
    one, two = (batches(filmed, workers, synthetic='sbi') for workers in (0, 2))
    clips = [torch.stack(batch['inputs']) for batch in one]
    assert all((a == torch.stack(b['inputs'])).all() for a, b in zip(clips, two))
    samples = [sample for batch in one for sample in batch['data_samples']]
    flat = torch.cat(clips).float()
    for k in range(0, len(samples), 2):
        assert [sample.method for sample in samples[k : k + 2]] == ['original', 'sbi']
        lost = ['unreadable' in sample.metainfo for sample in samples[k : k + 2]]
        assert lost == [samples[k].video_id.endswith('003')] * 2
        if not lost[0]:
            change = (flat[k] - flat[k + 1]).abs()
            assert change.max() > 0
            corner = change[..., :3, :3].mean()  # the same crop, flip and quality
            assert corner < 2


def test_points_of_fewer_frames_than_the_clip_cost_the_blend_alone(filmed):
    for path in filmed.path('original', 'x').parents[1].glob('points/*.npy'):
        np.save(path, np.load(path)[:1])
    samples = [s for batch in batches(filmed, 0, synthetic='sbi') for s in batch['data_samples']]
    for sample in samples:
        if not sample.video_id.endswith('003'):
            assert ('unreadable' in sample.metainfo) == (sample.method == 'sbi')
    assert any('points of 1 frames' in s.get('unreadable', '') for s in samples)


def test_forgeries_that_cannot_be_made_are_named_like_videos_that_cannot_be_read(filmed):
    samples = [s for batch in batches(filmed, 0, synthetic=KEYS[1:]) for s in batch['data_samples']]
    assert {sample.method for sample in samples} >= {'original', 'eyeexpr', 'physillum'}
    for sample in samples:
        alters = tuple(sample.attributes)
        assert sum(alters) == (0 if sample.method == 'original' else 2)
        if sample.method == 'physillum' and not sample.video_id.endswith('003'):
            assert 'unreadable' not in sample.metainfo
    reasons = {s.unreadable for s in samples if 'unreadable' in s.metainfo}
    assert all('\n' not in reason for reason in reasons)
