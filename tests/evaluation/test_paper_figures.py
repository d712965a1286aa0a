import pytest

from mmfake.evaluation.paper import PAPER_FIGURES, regime_name

TRAINED = ['bin_ce', 'bin_con', 'bin_ce_con', 'bin_multi_ce', 'bin_multi_con']


@pytest.mark.parametrize(
    ('regime', 'n'), [*((name, 256) for name in TRAINED), ('dfdc_winner', 280)]
)
def test_figures_are_whole_numbers_of_videos(regime, n):
    """A typing error would have to land on another multiple to go unseen."""
    for figure in PAPER_FIGURES[regime].acc.values():
        assert abs(figure - 100 * round(figure * n / 100) / n) < 0.0051


def test_printed_means():
    contradicting = {
        key for key, row in PAPER_FIGURES.items() if abs(row.mean - row.printed_mean) > 0.0051
    }
    assert contradicting == {'bin_con', 'bin_ce_con'}
    assert PAPER_FIGURES['bin_con'].mean == pytest.approx(76.37, abs=0.005)
    assert PAPER_FIGURES['bin_ce_con'].mean == pytest.approx(75.88, abs=0.005)


def test_rows_and_columns():
    assert {tuple(row.acc) for row in PAPER_FIGURES.values()} == {('df', 'f2f', 'fs', 'nt')}
    assert set(PAPER_FIGURES) == {'baseline_s3d', *TRAINED, 'dfdc_winner'}
    assert regime_name('bin_multi_ce') == 'Binary CE + Multi CE'
    assert regime_name('mine') == 'mine'
