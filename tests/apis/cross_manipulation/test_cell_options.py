import pytest

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation.cell_options import check_options, planned_config


@pytest.mark.parametrize(
    ('word', 'part'),
    [
        ('foo', 'write KEY=VALUE'),
        ('=3', 'write KEY=VALUE'),
        ('a..b=3', 'write KEY=VALUE'),
        ('load_from=a.pth', 'has no effect here; cells are trained with --resume, which starts'),
        ('resume=True', 'an interrupted cell is always resumed'),
        ('work_dir=x', 'use --work-dir'),
        ('randomness.seed=3', 'use --seeds'),
    ],
)
def test_options_without_effect_are_refused(word, part):
    with pytest.raises(MMFakeError) as error:
        check_options(['train_cfg.max_epochs=3', word])
    assert str(error.value).startswith(f'--cfg-options {word}: ')
    assert part in str(error.value)
    assert '\n' not in str(error.value)


def test_options_with_one_are_not():
    check_options(['train_cfg.max_epochs=3', 'model.backbone.init_cfg.checkpoint=a=b.pth', 'x='])


def test_a_config_that_loads_weights_is_refused(tmp_path):
    path = tmp_path / 'a_holdout_df.py'
    path.write_text('load_from = None\n')
    assert planned_config(path, 3, []).randomness.seed == 3
    path.write_text("load_from = 'k400.pth'\n")
    with pytest.raises(MMFakeError, match='load_from=k400.pth has no effect here; cells are'):
        planned_config(path, 3, [])
