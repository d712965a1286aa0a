import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint, load_checkpoint

from mmfake import MMFakeError
from mmfake.apis.run import check_checkpoint

WEIGHTS = dict(weight=torch.ones(1, 1), bias=torch.ones(1))


def whole(**entries):
    hub = dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1])), runtime_info={}, resumed_keys={})
    content = dict(
        state_dict=WEIGHTS,
        meta=dict(epoch=1, iter=4, seed=0),
        message_hub=hub,
        optimizer=dict(state={}, param_groups=[{}]),
        param_schedulers=[{}],
    )
    content.update(entries)
    return content


def info(**entries):
    return dict(whole()['message_hub'], runtime_info=entries)


NO_CHECKPOINTS = dict(
    a_list=[1, 2],
    a_tensor=torch.zeros(2),
    a_number=5,
    number_of_weights=dict(state_dict=5),
    text_for_weights=dict(state_dict=dict(weight='b')),
    no_weights=dict(state_dict={}),
    numbers=dict(a=1),
    wrong_meta=dict(state_dict=WEIGHTS, meta=None),
    wrong_methods=dict(state_dict=WEIGHTS, meta=dict(dataset_meta=dict(multi_classes=5))),
)
NOT_TO_RESUME = {
    'message_hub': whole(message_hub=5),
    'no message_hub.log_scalars': whole(message_hub={}),
    'meta': whole(meta=None),
    'meta.epoch': whole(meta=dict(epoch='x', iter=4)),
    'no meta.iter': whole(meta=dict(epoch=1)),
    'optimizer': whole(optimizer=[1]),
    'param_schedulers': whole(param_schedulers=5),
    'unreadable_videos': whole(unreadable_videos=7),
    'non_finite_loss': whole(non_finite_loss='abc'),
    'message_hub.runtime_info.place_in_epoch': whole(message_hub=info(place_in_epoch='z')),
    # a step is put into the name of a file, which is then removed
    'message_hub.runtime_info.outdated_ckpt_ids': whole(
        message_hub=info(outdated_ckpt_ids=['/../../x'])
    ),
    'message_hub.runtime_info': whole(message_hub=info(**{'best_ckpt_deepfake/auc': 5})),
    'message_hub.log_scalars': whole(message_hub=dict(info(), log_scalars=dict(loss=5))),
}


def refused(path, content, call):
    torch.save(content, path)
    with pytest.raises(MMFakeError) as error:
        call(str(path))
    told = str(error.value)
    assert told.startswith(f'{path}: ')
    assert '\n' not in told
    return told


@pytest.mark.parametrize('name', NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_refused_on_both_ways(tmp_path, name):
    """Before a run is built, and by the run, which may be the user's own."""
    content = NO_CHECKPOINTS[name]
    told = refused(tmp_path / 'x.pth', content, check_checkpoint)
    runner = Runner(torch.nn.Linear(1, 1), str(tmp_path), experiment_name=f'contents_{name}')
    assert refused(tmp_path / 'x.pth', content, runner.load_checkpoint) == told


def test_weights_of_the_host_in_a_wrapping_of_their_own_load(tmp_path):
    """Those of Swin, say; its backbone unwraps them itself."""
    path = str(tmp_path / 'swin.pth')
    torch.save(dict(model=WEIGHTS), path)
    assert _load_checkpoint(path)['model'].keys() == WEIGHTS.keys()


@pytest.mark.parametrize('name', NOT_TO_RESUME)
def test_the_entry_is_named(tmp_path, name):
    told = refused(tmp_path / 'x.pth', NOT_TO_RESUME[name], lambda p: check_checkpoint(p, True))
    assert name in told.replace('entry ', 'no ') or f'entry {name} should be' in told


def test_good_ones_pass(tmp_path):
    """A whole one, one of other entries, one without a wrapping, and for a test one without hub."""
    path = str(tmp_path / 'x.pth')
    torch.save(whole(unreadable_videos={}, non_finite_loss=(0, 0), more=5), path)
    check_checkpoint(path, resume=True)
    extra = dict(WEIGHTS, _extra_state=dict(version=3))
    for content in (WEIGHTS, dict(state_dict=WEIGHTS, optimizer=[1]), dict(state_dict=extra)):
        torch.save(content, path)
        check_checkpoint(path)
        load_checkpoint(torch.nn.Linear(1, 1), path)


def test_weights_alone_cannot_be_resumed(tmp_path):
    content = dict(state_dict=WEIGHTS, meta=dict(epoch=1, iter=4))
    told = refused(tmp_path / 'x.pth', content, lambda p: check_checkpoint(p, True))
    assert 'holds weights only' in told


def test_an_address_that_does_not_answer_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    runner = Runner(torch.nn.Linear(1, 1), str(tmp_path), experiment_name='contents_url')
    runner._load_from = 'http://127.0.0.1:9/x.pth'
    with pytest.raises(MMFakeError, match='x.pth: cannot be loaded') as error:
        runner.load_or_resume()
    assert '\n' not in str(error.value)
