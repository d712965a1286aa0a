from mmfake.evaluation.comparisons import compare_regimes
from mmfake.evaluation.cross_table import comparison_table


def test_without_a_pair_the_header_is_there(make_run):
    runs = [make_run(name, 'df') for name in ('a', 'b')]
    alone, pair = (comparison_table(compare_regimes(some)) for some in (runs[:1], runs))
    assert (len(alone), len(pair)) == (0, 1)
    assert list(alone.columns) == list(pair.columns)
    assert list(pair.columns)[:3] == ['holdout', 'name_a', 'name_b']
    assert alone.to_csv(index=False).startswith('holdout,name_a,name_b,')
    assert pair.notna().any().sum() > 20  # no field is lost by its name
