import pytest

from mmfake.datasets import protocol as manipulations
from mmfake.datasets.protocol import (
    Manipulation,
    get_manipulation,
    manipulation_keys,
    register_manipulation,
)
from mmfake.errors import MMFakeError


@pytest.fixture
def own_table(monkeypatch):
    monkeypatch.setattr(manipulations, '_TABLE', dict(manipulations._TABLE))


def test_the_four_of_the_paper_are_the_default_and_others_are_known():
    four = ('df', 'f2f', 'fs', 'nt')
    assert manipulation_keys() == four
    others = ('fsh', 'cdf', 'dfdc', 'dfdcp', 'dfo', 'fake')
    assert manipulation_keys(everything=True) == (*four, *others)


@pytest.mark.parametrize(
    ('key', 'folder'),
    [
        ('original', 'original_sequences/youtube'),
        ('df', 'manipulated_sequences/Deepfakes'),
        ('f2f', 'manipulated_sequences/Face2Face'),
        ('fs', 'manipulated_sequences/FaceSwap'),
        ('nt', 'manipulated_sequences/NeuralTextures'),
        ('fsh', 'manipulated_sequences/FaceShifter'),
        ('cdf', ''),
    ],
)
def test_folders_are_the_official_ones(key, folder):
    row = get_manipulation(key)
    assert (row.key, row.folder) == (key, folder)


def test_unknown_key_lists_the_known_ones_and_the_way_out():
    with pytest.raises(MMFakeError, match=r"'dfd'.*df, f2f, fs, nt, fsh.*register_manipulation"):
        get_manipulation('dfd')


@pytest.mark.usefixtures('own_table')
def test_own_manipulation_comes_last_and_is_not_read_by_default():
    row = register_manipulation('sbi', 'manipulated_sequences/SBI', 'Self-blended')
    assert row == Manipulation('sbi', 'manipulated_sequences/SBI', 'Self-blended', False)
    assert manipulation_keys(everything=True)[-1] == 'sbi'
    assert 'sbi' not in manipulation_keys()
    assert register_manipulation('sbi', 'manipulated_sequences/SBI', 'Self-blended') == row


@pytest.mark.usefixtures('own_table')
@pytest.mark.parametrize('key', ['f2f', 'original'])
def test_a_key_is_never_overwritten(key):
    with pytest.raises(MMFakeError, match='already stands for'):
        register_manipulation(key, 'elsewhere', 'Else')
    assert get_manipulation(key).folder != 'elsewhere'


@pytest.mark.parametrize('key', ['', 'My', 'a/b', 'a_b'])
def test_malformed_key_is_refused(key):
    with pytest.raises(MMFakeError, match='lower-case letters and digits'):
        register_manipulation(key, 'x', 'X')
