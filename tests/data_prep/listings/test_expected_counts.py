import pytest

from data_prep.listings.list_dataset import LISTINGS, compare_counts, expected_counts
from mmfake.datasets.protocol import VideoRecord


@pytest.mark.parametrize(
    ('name', 'originals', 'fakes'),
    [
        ('ffpp', 1000, 4000),
        ('faceshifter', 1000, 1000),
        ('celebdf2', 590 + 300, 5639),
        ('dfdc', 19154 + 2500, 100000 + 2500),
        ('deeperforensics', 1000, 1000),
    ],
)
def test_sums_are_the_published_totals(name, originals, fakes):
    counts = expected_counts(name)
    sums = [sum(n for (_, label), n in counts.items() if label == wanted) for wanted in (0, 1)]
    assert sums == [originals, fakes]


def test_official_tests():
    tests = {name: [expected_counts(name)['test', label] for label in (0, 1)] for name in LISTINGS}
    assert tests == dict(
        ffpp=[140, 560],
        faceshifter=[140, 140],
        celebdf2=[178, 340],
        dfdc=[2500, 2500],
        dfdc_preview=[276, 501],
        deeperforensics=[201, 201],
    )


def test_number_of_manipulations_matters_to_ffpp_only():
    assert expected_counts('ffpp', 5)['train', 1] == 3600
    assert expected_counts('celebdf2', 5) == expected_counts('celebdf2')


def test_comparison_names_what_differs_and_ignores_what_is_not_published():
    def video(split, method):
        return VideoRecord('x', method, 'released', 's', 's', '', split, 's.mp4')

    records = [video('test', 'original'), video('test', 'cdf'), video('val', 'original')]
    expected = {('test', 0): 1, ('test', 1): 2, ('train', 0): 1}
    assert compare_counts(records, expected) == 'test has 1 of 2 fakes, train has 0 of 1 originals'
    assert compare_counts(records, {('test', 0): 1}) == ''
