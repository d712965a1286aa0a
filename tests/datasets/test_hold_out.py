import pytest

from mmfake.datasets.protocol import HoldOut
from mmfake.errors import MMFakeError


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('holdout', ['df', 'f2f', 'fs', 'nt'])
def test_held_out_method_is_invisible_before_the_test(split, holdout):
    protocol = HoldOut(split, holdout)
    left = [key for key in ('df', 'f2f', 'fs', 'nt') if key != holdout]
    assert protocol.methods == ('original', *left)
    assert [protocol.label_multi(key) for key in ('original', *left)] == [0, 1, 2, 3]


@pytest.mark.parametrize('holdout', ['df', 'f2f', 'fs', 'nt'])
def test_test_consists_of_originals_and_the_held_out_method_without_a_multi_label(holdout):
    protocol = HoldOut('test', holdout)
    assert protocol.methods == ('original', holdout)
    assert protocol.label_multi(holdout) == -1
    assert protocol.classes == HoldOut('train', holdout).classes


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_without_hold_out_every_method_is_everywhere(split):
    protocol = HoldOut(split, None)
    assert protocol.methods == protocol.classes == ('original', 'df', 'f2f', 'fs', 'nt')
    assert protocol.label_multi('nt') == 4


def test_labels_follow_the_table_and_not_the_list_of_the_config():
    protocol = HoldOut('train', 'df', ['fsh', 'nt', 'df', 'f2f'])
    assert protocol.classes == ('original', 'f2f', 'nt', 'fsh')


def test_single_method_may_be_given_as_a_string():
    assert HoldOut('val', None, 'nt').methods == ('original', 'nt')
    assert HoldOut('test', 'nt', 'nt').methods == ('original', 'nt')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('dev',), "unknown split 'dev': choose one of train, val, test"),
        (('train', 'xy'), "unknown manipulation 'xy'"),
        (('train', 'fsh'), "holdout 'fsh' is not among the methods df, f2f, fs, nt"),
        (('train', 'df', ['f2f', 'fs']), "holdout 'df' is not among the methods f2f, fs"),
        (('train', None, ['df', 'xy']), "unknown manipulation 'xy'"),
        (('train', 'original'), "'original' is no manipulation"),
        (('train', None, ['original', 'df']), "'original' is no manipulation"),
        (('train', 'df', ['df']), "nothing but the held-out 'df': split 'train' needs another"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(MMFakeError, match=message):
        HoldOut(*arguments)
