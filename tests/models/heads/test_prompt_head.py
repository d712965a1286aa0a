"""PromptHead with a tiny text encoder: scores, losses, targets, and how often texts are encoded."""

import math

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from mmfake import MMFakeError
from mmfake.engine.hooks.preprocessing_hook import check_preprocessing, preprocessing_of

LABELS = ['fake', 'expression', 'identity', 'physical consistency', 'eye', 'illumination', 'mouth']
LABELS += ['nose']
ALTERED = [[0] * 7, [0, 1, 0, 1, 0, 1, 1], [1, 0, 0, 0, 0, 1, 0]]  # original, swap, reenactment


class TinyText(nn.Module):
    """One embedding per text, known by its first letters; counts how often it is asked."""

    out_channels = 6

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(64, self.out_channels)
        self.asked = 0

    def tokenize(self, texts):
        self.texts = list(texts)
        return torch.arange(len(texts))[:, None]

    def forward(self, tokens):
        self.asked += 1
        return self.table(tokens[:, 0])


@pytest.fixture
def build():
    def make(**kwargs):
        torch.manual_seed(0)
        return MODELS.build(dict(type='mmfake.PromptHead', text=dict(type=TinyText), **kwargs))

    return make


@pytest.fixture
def samples(make_samples):
    made = make_samples([int(any(row)) for row in ALTERED])
    for sample, row in zip(made, ALTERED):
        sample.set_field(tuple(row), 'attributes')
    return made


def probabilities(head, x):
    """Equations 1 and 2, number by number."""
    texts = head.text.texts
    vectors = head.text.table.weight.tolist()

    def cosine(u, v):
        dot = sum(a * b for a, b in zip(u, v))
        return dot / math.sqrt(sum(a * a for a in u)) / math.sqrt(sum(b * b for b in v))

    rows = []
    for u in x.tolist():
        rows.append([])
        for label in LABELS:
            if label == 'fake':
                pair = 'a photo of a fake face', 'a photo of a real face'
            else:
                level = 'global' if label in LABELS[1:4] else 'local'
                start = f'A photo of a face with the {level} attribute of {label}'
                pair = f'{start} altered', f'{start} unaltered'
            s, opposite = (cosine(u, vectors[texts.index(text)]) for text in pair)
            rows[-1].append(1 / (1 + math.exp(-(s - opposite))))
    return rows


def test_the_first_level_is_the_score(build):
    head, x = build(), torch.randn(5, 6)
    expected = probabilities(head, x)
    logits = head(x)
    assert logits.shape == (5, 2)
    assert logits.softmax(dim=1)[:, 1].tolist() == pytest.approx([row[0] for row in expected])
    for row, by_hand in zip(head.prompt_logits(x).sigmoid().tolist(), expected):
        assert row == pytest.approx(by_hand, rel=1e-5)


def test_the_losses_are_equations_3_to_5(build, samples):
    head, x = build(), torch.randn(3, 6)
    losses = head.loss(x, samples)

    def fidelity(p, y):
        return 1 - math.sqrt(y * p) - math.sqrt((1 - y) * (1 - p))

    levels = {'binary': [0], 'global': [1, 2, 3], 'local': [4, 5, 6, 7]}
    rows = list(zip(probabilities(head, x), ([int(any(row)), *row] for row in ALTERED)))
    for level, columns in levels.items():
        total = sum(fidelity(p[k], y[k]) for p, y in rows for k in columns)
        assert losses[f'loss_{level}'].item() == pytest.approx(total / 3 / len(columns), rel=1e-5)
    hits = [(p[0] > 0.5) == (y[0] > 0.5) for p, y in rows]
    assert losses['acc_top1'].item() == pytest.approx(sum(hits) / 3)
    counts = [2, 1, 1, 0, 1, 0, 2, 1]
    names = [f'positives_{label}'.replace(' ', '_') for label in LABELS]
    assert [losses[name].item() for name in names] == counts
    assert {name for name in losses if 'loss' in name} == {f'loss_{level}' for level in levels}


def test_predict_gives_what_test_and_detect_need(build, samples):
    x = torch.randn(6, 6)  # two clips of each video
    for how in ('prob', 'score'):
        head = build(average_clips=how).eval()
        logits = head.prompt_logits(x).double()
        predicted = head.predict(x, samples)
        for sample, pair in zip(predicted, logits.split(2)):
            mean = pair.sigmoid().mean(dim=0) if how == 'prob' else pair.mean(dim=0).sigmoid()
            assert sample.pred_prompts == pytest.approx(dict(zip(LABELS, mean.tolist())), rel=1e-5)
            # of the score as of any classifier with two classes
            both = torch.stack([1 - mean[0], mean[0]])
            torch.testing.assert_close(sample.pred_score.double(), both)


def test_bce_and_fewer_levels_are_a_choice_of_parts(build, samples):
    prompts = dict(type='mmfake.PairedPrompts', levels=['binary', 'local'])
    head = build(prompts=prompts, loss_cls=dict(type='BCELossWithLogits'))
    x = torch.randn(3, 6)
    losses = head.loss(x, samples)
    p, y = head.prompt_logits(x).sigmoid(), torch.tensor([row[3:] for row in ALTERED]).float()
    entropy = -(y * p[:, 1:].log() + (1 - y) * (1 - p[:, 1:]).log()).mean()
    assert losses['loss_local'].item() == pytest.approx(entropy.item(), rel=1e-5)
    assert 'loss_global' not in losses
    assert 'positives_identity' not in losses


def test_texts_are_encoded_once_per_step_and_once_per_test(build, samples):
    head, x = build().train(), torch.randn(3, 6)
    for step in range(1, 4):
        head.loss(x, samples)
        assert head.text.asked == step
    for test in range(1, 3):
        head.eval()
        for _ in range(4):
            head.predict(x, samples)
        assert head.text.asked == 3 + test


def test_a_test_never_sees_the_texts_of_older_weights(build, samples):
    head, other, x = build().eval(), build(), torch.randn(3, 6)
    with torch.inference_mode():
        before = head(x)
    with torch.no_grad():
        other.text.table.weight += torch.randn(64, 6)
    head.load_state_dict(other.state_dict())
    assert not torch.equal(head(x), before)
    torch.testing.assert_close(head(x), other.eval()(x))
    head.train()
    torch.optim.SGD(head.parameters(), lr=1.0).zero_grad()
    head.loss(x, samples)['loss_binary'].backward()
    torch.optim.SGD(head.parameters(), lr=1.0).step()
    assert not torch.equal(head.eval()(x), other(x))


def test_frozen_texts_stay_and_are_encoded_once_per_epoch(build, samples):
    head = build(train_text=False).train()
    x = torch.randn(3, 6, requires_grad=True)
    for _ in range(3):
        head.loss(x, samples)['loss_binary'].backward()
    assert head.text.asked == 1
    assert head.text.table.weight.grad is None
    assert x.grad.abs().sum() > 0


def test_saliency_finds_a_gradient_after_scores_in_inference_mode(build):
    head = build().eval()
    with torch.inference_mode():
        head(torch.randn(2, 6))
    x = torch.randn(2, 6, requires_grad=True)
    head(x)[:, 1].sum().backward()
    assert x.grad.abs().sum() > 0


def test_half_precision_only_reaches_the_encoders(build, samples):
    head, x = build().train(), torch.randn(3, 6)
    exact = head.loss(x, samples)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = head.loss(x, samples)
    for name in ('loss_binary', 'loss_global', 'loss_local'):
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name], exact[name])  # TinyText has no half-precision op


def test_a_sample_that_does_not_tell_its_attributes_is_an_error(build, make_samples):
    with pytest.raises(MMFakeError, match="x/c23/000 does not tell.*'attributes' in the algo"):
        build().loss(torch.randn(2, 6), make_samples([0, 1]))
    binary = dict(type='mmfake.PairedPrompts', levels=['binary'])
    assert build(prompts=binary).loss(torch.randn(2, 6), make_samples([0, 1]))


def test_a_label_that_is_no_probability_is_an_error(build, samples):
    samples[0].set_field((0, 2, 0, 0, 0, 0, 0), 'attributes')
    with pytest.raises(MMFakeError, match='a sample has 2 in label_bin or attributes; a label is'):
        build().loss(torch.randn(len(samples), build().in_channels), samples)


def test_embeddings_of_another_length_are_refused(build):
    with pytest.raises(MMFakeError, match='embeddings of length 5, the text encoder of 6'):
        build()(torch.randn(2, 5))


def test_other_prompts_and_scales_are_no_tensors_but_refused(build):
    trained = preprocessing_of(build())
    for prompts in (dict(type='mmfake.PairedPrompts', scale=10), dict(type='mmfake.GraphPrompts')):
        other = preprocessing_of(build(prompts=prompts))
        with pytest.raises(MMFakeError, match='trained with'):
            check_preprocessing(trained, other)


def test_texts_that_differ_are_told_and_no_others(build):
    own = dict(type='mmfake.PairedPrompts', templates=dict(binary=('a fake', 'a real one')))
    with pytest.raises(MMFakeError) as error:
        check_preprocessing(preprocessing_of(build()), preprocessing_of(build(prompts=own)))
    photos = ['a photo of a fake face', 'a photo of a real face']
    told = f"prompts.texts {photos}, this config has ['a fake', 'a real one']: take"
    assert told in str(error.value)


def test_another_vocabulary_is_refused(build):
    head = build()
    trained = preprocessing_of(head)
    head.tokens[0] += 1
    with pytest.raises(
        MMFakeError, match='tokenizer one that makes tokens .* of the prompts, this co'
    ):
        check_preprocessing(trained, preprocessing_of(head))


def test_logits_are_those_of_clip(samples):
    transformers = pytest.importorskip('transformers', reason='the extra clip is not installed')
    torch.manual_seed(0)
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    image = dict(sizes, image_size=16, patch_size=8)
    config = transformers.CLIPConfig(vision_config=image, text_config=sizes, projection_dim=8)
    clip = transformers.CLIPModel(config).eval()
    text = dict(type='mmfake.CLIPTextEncoder', config=dict(sizes, projection_dim=8))
    head = MODELS.build(dict(type='mmfake.PromptHead', text=text)).eval()
    own = head.text.model.state_dict()
    head.text.model.load_state_dict({name: clip.state_dict()[name] for name in own})
    pictures = torch.randn(3, 3, 16, 16)
    padded = torch.nn.functional.pad(head.tokens, (0, 77 - head.tokens.shape[1]), value=49407)
    with torch.no_grad():
        of_clip = clip(input_ids=padded, pixel_values=pictures)
        found = head.prompt_logits(of_clip.image_embeds)
    cosines = of_clip.logits_per_image / clip.logit_scale.exp()
    torch.testing.assert_close(found, cosines[:, :8] - cosines[:, 8:], atol=1e-6, rtol=0)
