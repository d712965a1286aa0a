import pytest

from mmfake.models.backbones.s3d_weights import LAYOUTS

BY_TITLE = {layout.title: layout for layout in LAYOUTS}


@pytest.mark.parametrize(
    ('title', 'prefix', 'columns'),
    [
        ('CoCLR pre-training', 'encoder_q.0.', ('name', 'alias')),
        ('CoCLR fine-tuned', 'backbone.', ('name', 'alias')),
        ('mmfake checkpoint', 'backbone.', ('name', 'alias')),
        ('bare S3D', '', ('name', 'alias')),
        ('torchvision', '', ('torchvision',)),
        ('kylemin/S3D', '', ('kylemin',)),
    ],
)
def test_names_are_those_of_the_table(key_table, title, prefix, columns):
    assert len(key_table) == 462
    for row in key_table:
        expected = tuple(prefix + row[column] for column in columns)
        assert BY_TITLE[title].names(row['name']) == expected


def test_no_name_stands_for_two_tensors(key_table):
    for layout in LAYOUTS:
        names = [name for row in key_table for name in layout.names(row['name'])]
        assert len(names) == len(set(names)), layout.title


def test_eps_is_the_one_each_author_trained_with():
    assert {layout.title: layout.eps for layout in LAYOUTS} == {
        'CoCLR pre-training': 1e-5,
        'CoCLR fine-tuned': 1e-5,
        'mmfake checkpoint': None,
        'torchvision': 1e-3,
        'kylemin/S3D': 1e-3,
        'bare S3D': None,
    }


def test_an_unknown_stage_is_an_error():
    with pytest.raises(ValueError, match='not in tuple'):
        BY_TITLE['torchvision'].names('Mixed_6a.conv.weight')
