from __future__ import annotations

from data_prep.preview_sheet.tiles import choose_rows, methods_of


def test_a_row_has_the_original_and_its_fakes(dataset):
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 3
    assert [row.label for row in rows] == [
        '000\nc23\ntrain',
        '001\nc23\ntrain',
        '002\nc23\ntest',
    ]
    stems = [[video.video_id.split('/')[-1] for video in row.videos.values()] for row in rows]
    assert stems[2] == ['002_003', '002_003', '002']
    assert methods_of(rows) == ['original', 'df', 'nt']


def test_the_seed_decides_who_is_drawn(dataset):
    table = dataset.table()
    draws = [tuple(row.label for row in choose_rows(table, 1, seed)[0]) for seed in range(20)]
    assert len(set(draws)) == 3
    assert draws == [
        tuple(row.label for row in choose_rows(table, 1, seed)[0]) for seed in range(20)
    ]


def test_the_frame_is_in_all_clips(dataset):
    dataset.row('df/000_001')['frames'] = '4'
    dataset.row('nt/001_000').update(frames='2', status='no-face')
    dataset.row('nt/002_003')['frames'] = ''
    rows, _ = choose_rows(dataset.table(), 3, seed=0)
    assert [row.frame for row in rows] == [2, 4, 4]


def test_compressions_are_rows_of_their_own(dataset):
    copies = [
        dict(row, id=row['id'].replace('c23', 'c40'), compression='c40') for row in dataset.rows
    ]
    dataset.rows += copies
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 6
    assert [row.label.split('\n')[1] for row in rows] == ['c23', 'c40'] * 3
