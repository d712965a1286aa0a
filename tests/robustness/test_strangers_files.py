"""Files of strangers, mutated: they load, or end in one line; no code of theirs runs."""

import io
import os
import signal
import zipfile

import pytest
import torch
from torch import nn

from mmfake import MMFakeError
from mmfake.compat.checkpoints import safe_load
from mmfake.datasets.ffpp_tree import read_splits
from mmfake.datasets.index import read_index
from mmfake.evaluation.foreign_scores import read_foreign_scores
from mmfake.evaluation.scores_file import read_scores_file
from mmfake.models.backbones.pretrained import load_pretrained
from mmfake.models.backbones.s3d_weights import S3D_FILES

INDEX = 'id,path,method,compression,target,source,split,frames,fps,status,reason\n' + ''.join(
    f'ffpp/{method}/c23/{stem},{method}/{stem}.mp4,{method},c23,{stem[:3]},{source},{split},'
    f'96,25.0,{status},{reason}\n'
    for method, stem, source, split, status, reason in [
        ('original', '000', '', 'train', 'used', ''),
        ('original', '001', '', 'val', 'used', ''),
        ('df', '000_003', '003', 'train', 'used', ''),
        ('f2f', '001_004', '004', 'val', 'no_face', 'no face in 96 frames'),
        ('nt', '002_005', '005', 'test', 'used', ''),
    ]
)
SCORES = (
    'video,method,label,score,clips,status,reason\n'
    'ffpp/original/c23/000,original,0,0.25,4,scored,\n'
    'ffpp/f2f/c23/000_003,f2f,1,0.75,4,scored,\n'
    'ffpp/f2f/c23/003_000,f2f,1,,0,not scored,"ValueError: no, frame"\n'
)
FOREIGN = 'video,method,label,score\n000,youtube,0,0.25\n000_003,Deepfakes,1,0.5\n1,new,1,1\n'


# 600 mutations in all, at night 2,400
MORE = pytest.mark.parametrize('times', [1, pytest.param(4, marks=pytest.mark.nightly)])


@MORE
def test_index(trial, tmp_path, times):
    trial.fuzz(lambda path: read_index(str(path)), [INDEX.encode()], 130 * times, tmp_path)


@MORE
def test_splits(trial, tmp_path, times):
    for name in ('val', 'test'):
        (tmp_path / f'{name}.json').write_text(f'[["{name}1", "{name}2"]]')

    def load(path):
        return read_splits(str(path.parent))

    valid = b'[["071", "054"], ["087", "081"], ["001", "870"]]'
    trial.fuzz(load, [valid], 110 * times, tmp_path, name='train.json')


@MORE
def test_scores(trial, tmp_path, times):
    trial.fuzz(read_scores_file, [SCORES.encode()], 80 * times, tmp_path)
    trial.fuzz(read_foreign_scores, [FOREIGN.encode(), SCORES.encode()], 80 * times, tmp_path)


@pytest.mark.parametrize('number', ['9' * 25, '9' * 5000, '\u0665' * 20, '1' + '0' * 18])
def test_numbers_that_no_column_can_hold(trial, tmp_path, number):
    path = tmp_path / 'file'
    path.write_text(SCORES.replace(',4,', f',{number},'), encoding='utf-8')
    assert not trial.outcome(read_scores_file, path)
    path.write_text(INDEX.replace(',96,', f',{number},'), encoding='utf-8')
    trial.outcome(lambda path: read_index(str(path)), path)


class Attack:
    """Unpickles to a call."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


def checkpoint(extra=None):
    model = nn.Linear(2, 3)
    meta = dict(epoch=3, iter=30, seed=0, time='x', classes=('original', 'manipulated'))
    optimizer = torch.optim.Adam(model.parameters()).state_dict()
    return dict(meta=meta, state_dict=model.state_dict(), optimizer=optimizer, extra=extra)


@MORE
@pytest.mark.parametrize('hostile', [False, True])
def test_checkpoints(trial, tmp_path, hostile, times):
    """How much memory one may take is not promised."""
    canary = tmp_path / 'ran'
    content = checkpoint(Attack(canary) if hostile else None)
    whole = trial.saved(content)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith('data.pkl'))
        pickled = archive.read(name)

    def load_inner(path):
        path.write_bytes(trial.rewritten(whole, lambda _: path.read_bytes()))
        safe_load(str(path))

    trial.fuzz(load_inner, [pickled], 42 * times, tmp_path, trial.PICKLE, bounded=False)
    trial.fuzz(
        lambda path: safe_load(str(path)),
        [whole, trial.saved(content, True)],
        28 * times,
        tmp_path,
        trial.PICKLE,
        bounded=False,
    )
    assert not canary.exists()


class FewTensors(nn.Module):
    """Stands for the encoder: names as in S3D, but two tensors only."""

    weight_files = S3D_FILES

    def __init__(self):
        super().__init__()
        self.Conv_1a = nn.Linear(2, 2)


@MORE
def test_weight_files(trial, tmp_path, times):
    encoder = FewTensors()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}

    def load(path):
        try:
            assert load_pretrained(encoder, str(path), eps=1e-5)
            encoder.load_state_dict(before)
        except MMFakeError:
            assert all(torch.equal(encoder.state_dict()[name], before[name]) for name in before)
            raise

    named = {f'backbone.{name}': tensor + 1 for name, tensor in before.items()}
    whole = trial.saved(dict(state_dict=named))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        pickled = next(archive.read(n) for n in archive.namelist() if n.endswith('data.pkl'))

    def load_inner(path):
        path.write_bytes(trial.rewritten(whole, lambda _: path.read_bytes()))
        load(path)

    trial.fuzz(load_inner, [pickled], 45 * times, tmp_path, trial.PICKLE, bounded=False)
    trial.fuzz(load, [whole], 15 * times, tmp_path, trial.PICKLE, bounded=False)


def test_the_trial_itself_sees_what_is_wrong(trial, tmp_path):
    """Of a loader that leaks, crashes, hangs or tells too much."""

    class TwoLinesError(MMFakeError):
        def __str__(self):
            return 'two\nlines'

    def wrong(_):
        raise TwoLinesError

    with pytest.raises(AssertionError, match='not one printable line'):
        trial.fuzz(wrong, [b'x'], 3, tmp_path)
    with pytest.raises(AssertionError, match='ZeroDivisionError'):
        trial.fuzz(lambda _: 1 / 0, [b'x'], 3, tmp_path)
    with pytest.raises(AssertionError, match='SIGKILL'):
        trial.fuzz(lambda _: os.kill(os.getpid(), signal.SIGKILL), [b'x'], 3, tmp_path)
    assert (
        trial.in_a_process(lambda: bytearray(b'x') * (trial.LIMIT_MB * 2**20)) >= trial.LIMIT_MB - 5
    )
