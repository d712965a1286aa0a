import pytest

from mmfake.datasets import manipulations
from mmfake.datasets.manipulations import (
    Manipulation,
    attribute_labels,
    canonical_method,
    get_manipulation,
    manipulation_keys,
    method_name,
    register_manipulation,
)
from mmfake.errors import MMFakeError

FOUR = ('df', 'f2f', 'fs', 'nt')


@pytest.fixture
def own_table(monkeypatch):
    monkeypatch.setattr(manipulations, '_TABLE', dict(manipulations._TABLE))


def test_the_four_of_the_paper_are_the_default_and_others_are_known():
    assert manipulation_keys() == FOUR
    assert manipulation_keys(everything=True) == (
        *FOUR,
        *('fsh', 'cdf', 'dfdc', 'dfdcp', 'dfo', 'cdfpp', 'dfd', 'df40', 'fake'),
    )


@pytest.mark.parametrize(
    ('key', 'folder', 'name'),
    [
        ('original', 'original_sequences/youtube', 'Original'),
        ('df', 'manipulated_sequences/Deepfakes', 'Deepfakes'),
        ('f2f', 'manipulated_sequences/Face2Face', 'Face2Face'),
        ('fs', 'manipulated_sequences/FaceSwap', 'FaceSwap'),
        ('nt', 'manipulated_sequences/NeuralTextures', 'NeuralTextures'),
        ('fsh', 'manipulated_sequences/FaceShifter', 'FaceShifter'),
        ('cdf', '', 'Celeb-DF v2'),
    ],
)
def test_folders_and_names_are_the_official_ones(key, folder, name):
    row = get_manipulation(key)
    assert (row.key, row.folder, row.name) == (key, folder, name)
    assert method_name(key) == name


def test_a_method_that_was_registered_elsewhere_is_shown_by_its_key():
    assert method_name('mine') == 'mine'


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        *(('Deepfakes', 'df'), ('DEEPFAKES', 'df'), ('f2f', 'f2f'), ('Face2Face', 'f2f')),
        *(('Original', 'original'), ('youtube', 'original'), ('FaceShifter', 'fsh')),
        *(('StyleSwap', 'StyleSwap'), ('real', 'original'), ('REAL', 'original')),
    ],
)
def test_spellings_of_methods(name, key):
    assert canonical_method(name) == key


def test_unknown_key_lists_the_known_ones_and_the_way_out():
    with pytest.raises(MMFakeError, match=r"'dfx'.*df, f2f, fs, nt, fsh.*register_manipulation"):
        get_manipulation('dfx')


@pytest.mark.usefixtures('own_table')
def test_own_manipulation_comes_last_and_is_not_read_by_default():
    row = register_manipulation('sim', 'manipulated_sequences/SimSwap', 'SimSwap')
    assert row == Manipulation('sim', 'manipulated_sequences/SimSwap', 'SimSwap', False)
    assert manipulation_keys(everything=True)[-1] == 'sim'
    assert 'sim' not in manipulation_keys()
    assert method_name('sim') == 'SimSwap'
    assert register_manipulation('sim', 'manipulated_sequences/SimSwap', 'SimSwap') == row


@pytest.mark.usefixtures('own_table')
@pytest.mark.parametrize(
    ('key', 'message'),
    [
        *((key, 'already stands for') for key in ('f2f', 'original', 'sbi')),
        *((key, 'lower-case letters and digits') for key in ('', 'My', 'a/b', 'a_b')),
    ],
)
def test_a_key_is_well_formed_and_never_overwritten(key, message):
    table = dict(manipulations._TABLE)
    with pytest.raises(MMFakeError, match=message):
        register_manipulation(key, 'elsewhere', 'Else')
    assert table == manipulations._TABLE


@pytest.mark.parametrize(
    ('method', 'altered'),
    [
        ('original', ''),
        *((method, 'identity, eye, mouth, nose') for method in ('df', 'fs')),
        *((method, 'expression, mouth') for method in ('f2f', 'nt')),
        ('eyeexpr', 'expression, eye'),
        ('physeye', 'physical consistency, eye'),
        ('physillum', 'physical consistency, illumination'),
        ('physmouth', 'physical consistency, mouth'),
        ('physnose', 'physical consistency, nose'),
    ],
)
def test_what_each_method_alters(method, altered):
    names = [
        'expression',
        'identity',
        'physical consistency',
        'eye',
        'illumination',
        'mouth',
        'nose',
    ]
    labels = attribute_labels(method)
    assert [name for name, label in zip(names, labels) if label] == list(
        filter(None, altered.split(', '))
    )
    assert set(labels) <= {0, 1}


@pytest.mark.parametrize('method', ['fsh', 'cdf', 'fake', 'sbi'])
def test_of_other_methods_nobody_knows_what_they_alter(method):
    assert attribute_labels(method) is None


@pytest.mark.usefixtures('own_table')
def test_own_manipulation_says_what_it_alters():
    register_manipulation('sim', '', 'SimSwap', ['mouth', 'identity'])
    assert attribute_labels('sim') == (0, 1, 0, 0, 0, 1, 0)
    for wrong in (['mouth', 'ear'], 'mouth'):
        with pytest.raises(
            MMFakeError, match=r"'other': attributes=.* out of expression, identity"
        ):
            register_manipulation('other', '', 'Other', wrong)
