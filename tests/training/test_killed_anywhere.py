"""kill -9 at seeded random moments, then --resume."""

import json
import signal

import pytest
import torch

# two epochs of four iterations, a checkpoint after each second one, also in mid-epoch
SETTINGS = {
    'train_cfg.max_epochs': 2,
    'default_hooks.checkpoint.by_epoch': False,
    'default_hooks.checkpoint.interval': 2,
    'default_hooks.checkpoint.max_keep_ckpts': 2,
}


@pytest.fixture(scope='module')
def live(smoke, fork):
    """Train in a new process, which may have to die; gives its exit code."""

    def order(folder, workers, fate=None):
        settings = dict(SETTINGS, **{'train_dataloader.num_workers': workers})
        settings['train_dataloader.persistent_workers'] = workers > 0
        words = dict(folder=str(folder), scale=str(smoke), settings=settings, fate=fate)
        output = folder / 'output.txt'
        (code,) = fork([(['live', json.dumps(words)], output, {})])
        assert code in (0, -signal.SIGKILL), output.read_text()
        return code

    return order


def ended(folder):
    """Number of Python calls in the life that reached the end, and what it ended with."""
    return torch.load(folder / 'end.pth', weights_only=False)


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory, live):
    """How a life of a number of workers ends that nobody disturbs."""
    ends = {}

    def end(workers):
        if workers not in ends:
            folder = tmp_path_factory.mktemp('undisturbed')
            assert live(folder, workers) == 0
            ends[workers] = ended(folder)
        return ends[workers]

    return end


def five(kind, workers):
    return pytest.param(kind, workers, 5, marks=pytest.mark.nightly)


@pytest.mark.parametrize(
    ('kind', 'workers', 'number'),
    [
        *[('call', 0, 2), ('write', 0, 1), ('call', 2, 1), ('write', 2, 2)],
        *[five('call', 0), five('write', 0), five('call', 2), five('write', 2)],
    ],
)
def test_killed_again_and_again(kind, workers, number, live, undisturbed, harness, tmp_path):
    """At a random call of any Python function, or with a random part of a checkpoint written."""
    calls, expected = undisturbed(workers)
    kills = lives = 0
    while kills < number:
        lives += 1
        killed = live(tmp_path, workers, [kind, f'{workers} {lives}', calls])
        kills += bool(killed)
        if not killed:  # it outlived its moment: compare, and begin anew
            harness.assert_same(expected, ended(tmp_path)[1])
            (tmp_path / 'work').rename(tmp_path / f'old{lives}')
    assert live(tmp_path, workers) == 0
    harness.assert_same(expected, ended(tmp_path)[1])
    files = [path.name for path in (tmp_path / 'work').iterdir()]
    assert not [name for name in files if name.endswith('.tmp')]
    published = [name[:-13] for name in files if name.endswith('.pth') and name[-13:-12] == '-']
    assert len(published) == len(set(published)) == 2
