from collections import deque

import pytest
import torch

from mmfake import MMFakeError
from mmfake.models.labelled_queue import LabelledQueue, videos_of


@pytest.mark.parametrize('size', [1, 5, 8])
@pytest.mark.parametrize('batches', [[3, 3, 3], [5, 5], [1] * 12, [12], [2, 13, 1], [0, 4]])
def test_holds_the_latest_keys_like_a_deque(size, batches):
    queue, expected, count = LabelledQueue(size, 2), deque(maxlen=size), 0
    for batch in batches:
        ids = torch.arange(count, count + batch)
        queue.enqueue(ids[:, None].float().repeat(1, 2), ids % 3, ids)
        expected.extend(ids.tolist())
        count += batch
    filled = queue.videos >= 0
    assert sorted(queue.videos[filled].tolist()) == sorted(expected)
    assert queue.fill == pytest.approx(len(expected) / size)
    for slot in filled.nonzero().flatten().tolist():  # key, label and video stay together
        video = queue.videos[slot].item()
        assert queue.keys[slot].tolist() == [video, video]
        assert queue.labels[slot] == video % 3


def test_the_oldest_key_is_overwritten_next():
    queue = LabelledQueue(4, 1)
    ids = torch.arange(6)
    queue.enqueue(ids[:, None].float(), ids, ids)
    assert queue.videos.tolist() == [4, 5, 2, 3]
    queue.enqueue(torch.ones(1, 1), torch.tensor([9]), torch.tensor([9]))
    assert queue.videos.tolist() == [4, 5, 9, 3]


def test_keys_are_float32_and_without_graph():
    queue = LabelledQueue(2, 3)
    keys = torch.ones(1, 3, dtype=torch.float16, requires_grad=True)
    queue.enqueue(keys, torch.tensor([1]), torch.tensor([0]))
    assert queue.keys.dtype == torch.float32
    assert not queue.keys.requires_grad


def test_own_video():
    queue = LabelledQueue(3, 1, exclude_own_video=True)
    queue.enqueue(torch.zeros(3, 1), torch.zeros(3), torch.tensor([7, 8, 7]))
    own = queue.own_video(torch.tensor([7, 1]))
    assert own.tolist() == [[True, False, True], [False, False, False]]
    assert LabelledQueue(3, 1).own_video(torch.tensor([7])) is None


def test_videos_are_told_apart_across_datasets(make_samples):
    """Two datasets that are concatenated share indices, and may share a video."""
    first, second = make_samples([0, 1]), make_samples([1, 0])
    second[0].set_metainfo(dict(video_id='dfdc/x/c23/000'))
    numbers = videos_of(first + second, 'cpu').tolist()
    assert numbers[1] == numbers[3]
    assert len(set(numbers)) == 3
    assert min(numbers) >= 0
    assert numbers[0] == 2097677519595463890  # in every process: it is saved


def test_a_video_without_a_name(make_samples):
    samples = make_samples([0, 1])
    for sample in samples:
        del sample.video_id
    assert videos_of(samples, 'cpu').tolist() == [0, 1]
    del samples[1].sample_idx
    assert videos_of(samples, 'cpu', needed=False).tolist() == [0, -1]
    with pytest.raises(MMFakeError, match="no 'video_id' and no 'sample_idx'") as error:
        videos_of(samples, 'cpu')
    assert '\n' not in str(error.value)


def test_state_round_trip_and_wrong_size():
    queue, other = LabelledQueue(4, 2), LabelledQueue(4, 2)
    queue.enqueue(torch.rand(3, 2), torch.tensor([0, 1, 2]), torch.tensor([4, 5, 6]))
    other.load_state_dict(queue.state_dict())
    assert other.pointer == 3
    for name in ('keys', 'labels', 'videos'):
        assert torch.equal(getattr(queue, name), getattr(other, name))
    with pytest.raises(ValueError, match=r'saved queue is \(4, 2\), the configured one \(8, 2\)'):
        LabelledQueue(8, 2).load_state_dict(queue.state_dict())
