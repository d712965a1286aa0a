import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from mmfake import MMFakeError, MultiInstanceInfoNCELoss
from mmfake.models.labelled_queue import LabelledQueue, videos_of


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = MODELS.build(
        dict(type='mmfake.ContrastiveHead', in_channels=6, out_channels=4, label_key='label_bin')
    )
    head.queue = LabelledQueue(8, 4)
    return head


def fill(queue, labels, videos=None):
    keys = F.normalize(torch.randn(len(labels), 4), dim=1)
    queue.enqueue(keys, torch.tensor(labels), torch.tensor(videos or range(len(labels))))


def test_projects_by_two_layers_onto_the_unit_sphere(head):
    embedding = torch.randn(5, 6)
    first, _, second = head.projection
    hidden = (embedding @ first.weight.T + first.bias).clamp(min=0)
    expected = hidden @ second.weight.T + second.bias
    expected = expected / expected.square().sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(head(embedding), expected)


def test_loss_and_what_is_logged(head, make_samples):
    fill(head.queue, [0, 1, 1])
    embedding, labels = torch.randn(3, 6), [0, 1, 2]  # nobody in the queue has label 2
    out = head.loss(embedding, make_samples(labels))
    query, queue = head(embedding), head.queue
    expected = MultiInstanceInfoNCELoss()(query, torch.tensor(labels), queue.keys, queue.labels)
    torch.testing.assert_close(out['loss_contrast'], expected)
    cosines = {True: [], False: []}
    for z, label in zip(query, labels):
        for key, key_label in zip(queue.keys[:3], [0, 1, 1]):
            cosines[label == key_label].append(float(z @ key))
    assert out['queue_fill'].item() == pytest.approx(3 / 8)
    assert out['queue_anchors'].item() == pytest.approx(2 / 3)
    assert out['queue_sim_pos'].item() == pytest.approx(sum(cosines[True]) / 3, abs=1e-6)
    assert out['queue_sim_neg'].item() == pytest.approx(sum(cosines[False]) / 6, abs=1e-6)
    assert not any('loss' in key for key in out if key != 'loss_contrast')  # mmengine sums those


def test_an_empty_queue_gives_zero_and_no_similarity(head, make_samples):
    out = head.loss(torch.randn(2, 6, requires_grad=True), make_samples([0, 1]))
    assert out['loss_contrast'].item() == 0
    assert out['loss_contrast'].requires_grad
    assert out['queue_anchors'].item() == 0
    assert out['queue_sim_pos'].isnan()  # and so not logged


def test_own_video_is_excluded_where_asked_for(head, make_samples):
    samples = make_samples([0, 0])  # videos 0 and 1
    first, second = videos_of(samples, 'cpu').tolist()
    fill(head.queue, [0, 1, 0], [first, 5, second])
    assert head.loss(torch.randn(2, 6), samples)['queue_anchors'].item() == 1
    head.queue.exclude_own_video = True
    out = head.loss(torch.randn(1, 6), make_samples([0]))
    assert out['queue_anchors'].item() == 1  # video 0 still has video 1 as a positive
    head.queue.labels[2] = -1
    assert head.loss(torch.randn(1, 6), make_samples([0]))['queue_anchors'].item() == 0


def test_excluding_the_own_video_needs_to_know_it(head, make_samples):
    head.queue.exclude_own_video = True
    samples = make_samples([0, 1])
    for sample in samples:
        del sample.sample_idx, sample.video_id
    with pytest.raises(MMFakeError, match="no 'sample_idx'"):
        head.loss(torch.randn(2, 6), samples)


def test_without_a_hook_it_is_refused_in_one_line(head, make_samples):
    head.queue = None
    with pytest.raises(MMFakeError, match='ContrastiveHead, but no LabelMoCoHook') as error:
        head.loss(torch.randn(2, 6), make_samples([0, 1]))
    assert '\n' not in str(error.value)


def test_soft_labels_are_refused(head, make_samples):
    samples = make_samples([0, 1])
    for sample in samples:
        sample.set_field([0.3, 0.7], 'label_bin')
    with pytest.raises(MMFakeError, match=r'label_bin.*contrast needs one class'):
        head.loss(torch.randn(2, 6), samples)
