import subprocess
import sys
from dataclasses import replace

import pytest

from mmfake.datasets.protocol import UNKNOWN, HoldOut, VideoRecord
from mmfake.errors import MMFakeError

FOUR = ('df', 'f2f', 'fs', 'nt')


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
