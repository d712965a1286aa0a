import subprocess
import sys
from dataclasses import replace

import pytest

from mmfake.datasets import protocol
from mmfake.datasets.protocol import (
    UNKNOWN,
    HoldOut,
    Manipulation,
    VideoRecord,
    attribute_labels,
    canonical_method,
    get_manipulation,
    manipulation_keys,
    method_name,
    register_manipulation,
)
from mmfake.errors import MMFakeError

FOUR = ('df', 'f2f', 'fs', 'nt')


# ---- Manipulations --------------------------------------------------------------------------


@pytest.fixture
def own_table(monkeypatch):
    monkeypatch.setattr(protocol, '_TABLE', dict(protocol._TABLE))


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
    table = dict(protocol._TABLE)
    with pytest.raises(MMFakeError, match=message):
        register_manipulation(key, 'elsewhere', 'Else')
    assert table == protocol._TABLE


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


# ---- Videos ---------------------------------------------------------------------------------

ORIGINAL = VideoRecord('ffpp', 'original', 'c23', '033', '033', '', 'test', 'x.mp4')


def test_identity_label_and_people_of_an_original_and_a_fake():
    fake = VideoRecord('ffpp', 'f2f', 'raw', '033_097', '033', '097', 'test', 'y.mp4')
    assert (ORIGINAL.video_id, fake.video_id) == ('ffpp/original/c23/033', 'ffpp/f2f/raw/033_097')
    assert (ORIGINAL.label_bin, fake.label_bin) == (0, 1)
    assert (ORIGINAL.ids, fake.ids) == (('033',), ('033', '097'))


def test_unknown_target_or_source_is_nobody():
    fake = VideoRecord('dfdc', 'dfdc', 'released', 'abc', UNKNOWN, UNKNOWN, 'test', 'abc.mp4')
    assert (fake.ids, replace(fake, target='xyz').ids) == ((), ('xyz',))


def test_unavailable_says_why_in_the_best_words_there_are():
    assert ORIGINAL.unavailable is None
    assert replace(ORIGINAL, reason='recompressed').unavailable is None
    assert replace(ORIGINAL, status='no-face').unavailable == 'no-face'
    why = 'in 0 of 96 frames'
    assert replace(ORIGINAL, status='no-face', reason=why).unavailable == why


# ---- Hold-out -------------------------------------------------------------------------------


@pytest.mark.parametrize('holdout', FOUR)
def test_held_out_method_is_in_the_test_alone(holdout):
    left = [key for key in FOUR if key != holdout]
    for split in ('train', 'val'):
        protocol = HoldOut(split, holdout)
        assert protocol.methods == protocol.classes == ('original', *left)
        assert [protocol.label_multi(key) for key in ('original', *left)] == [0, 1, 2, 3]
    protocol = HoldOut('test', holdout)
    assert protocol.methods == ('original', holdout)
    assert protocol.label_multi(holdout) == -1
    assert protocol.classes == ('original', *left)


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_without_hold_out_every_method_is_everywhere(split):
    protocol = HoldOut(split, None)
    assert protocol.methods == protocol.classes == ('original', *FOUR)
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


def test_protocol_tree_and_index_are_read_without_torch_and_the_host():
    script = (
        'import sys; from mmfake.datasets import protocol, ffpp_tree, index; '
        "print([name for name in ('torch', 'mmaction', 'mmcv') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ('[]', '')
