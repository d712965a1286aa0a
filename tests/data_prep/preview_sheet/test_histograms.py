from __future__ import annotations

import numpy as np
import pytest

from data_prep.preview_sheet.histograms import draw_histograms, measure


def _titles(figure):
    return [ax.get_title(loc='left') for ax in figure.axes]


def test_a_track_is_counted_once(dataset):
    """Fakes are cropped with the track of their original, unless they were tracked themselves."""
    assert len(measure(dataset.table()).sides) == 3
    dataset.row('df/000_001')['track_of'] = 'ffpp/df/c23/000_001'
    measures = measure(dataset.table())
    assert measures.sides == [pytest.approx(20)] * 4
    assert measures.tracks == [9] * 4
    assert measures.clips == {'original': [9] * 3, 'df': [9] * 3, 'nt': [9] * 3}


def test_panels(dataset):
    dataset.row('nt/000_001').update(status='no-face', reason='-')
    dataset.row('nt/002_003')['frames'] = '5'
    table = dataset.table()
    figure = draw_histograms(table, measure(table))
    assert _titles(figure) == [
        '(a) Face sizes, n = 3\nmedian 20 px, dashed',
        '(b) Track lengths, n = 3\nmedian 9 frames, dashed',
        '(c) Clip lengths, n = 8\nrange, quartiles, median',
    ]
    assert [ax.get_xlabel() for ax in figure.axes] == [
        'Median side of the face box (px)',
        'Length of the track (frames)',
        'Length of the clip (frames)',
    ]
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ['Tracks', 'Tracks']
    for ax in figure.axes[:2]:
        assert sum(patch.get_height() for patch in ax.patches) == 3
    title = 'set: 8 of 9 videos used (no-face 1)'
    assert title in [text.get_text() for text in figure.texts]


def test_clip_lengths_by_method(dataset):
    for frames, name in zip((2, 4, 9), ('nt/000_001', 'nt/001_000', 'nt/002_003')):
        dataset.row(name)['frames'] = str(frames)
    table = dataset.table()
    ax = draw_histograms(table, measure(table)).axes[2]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ['Original\nn = 3', 'Deepfakes\nn = 3', 'NeuralTextures\nn = 3']
    drawn = [line.get_xdata() for line in ax.lines if line.get_ydata()[0] == 2]
    span, quartiles, median = (list(np.atleast_1d(values)) for values in drawn)
    assert (span, quartiles, median) == ([2, 9], [3, 6.5], [4])
    low, high = ax.get_ylim()
    assert low > high, 'the original is on top'


def test_tracks_that_cannot_be_read_are_counted(dataset):
    for name in ('original/000', 'original/001', 'original/002'):
        (dataset.root / dataset.row(name)['track']).write_bytes(b'no track')
    table = dataset.table()
    titles = _titles(draw_histograms(table, measure(table)))
    assert titles[0] == '(a) Face sizes, n = 0, 3 not read\nnone'
