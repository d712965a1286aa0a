"""CLIP encoders against transformers' own CLIPModel, on tiny random weights and published sizes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS

from mmfake import CLIPImageEncoder, CLIPTextEncoder, MMFakeError
from mmfake.engine.hooks.preprocessing_hook import check_preprocessing, preprocessing_of
from mmfake.models.backbones import clip_weights
from mmfake.models.backbones.clip_tokens import tokenize

transformers = pytest.importorskip('transformers', reason='the extra clip is not installed')

SIZES = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
    projection_dim=24,
)  # fmt: skip
IMAGE = dict(SIZES, image_size=16, patch_size=4)
TEXT = dict(SIZES, hidden_size=16, intermediate_size=40)
PROMPTS = ['a photo of a fake face', 'A photo of a face with the local attribute of eye unaltered']


@pytest.fixture(scope='module')
def whole():
    """A tiny CLIP of transformers with random weights."""
    torch.manual_seed(0)
    config = transformers.CLIPConfig(vision_config=IMAGE, text_config=TEXT, projection_dim=24)
    return transformers.CLIPModel(config).eval()


@pytest.fixture
def folder(whole, tmp_path):
    """It, as the hub would have it; give ``safe=False`` for pytorch_model.bin."""

    def save(change=None, safe=True, **config):
        place = tmp_path / 'clip'
        whole.save_pretrained(place, safe_serialization=True)
        tensors = {name: value.clone() for name, value in whole.state_dict().items()}
        (change or (lambda tensors: None))(tensors)
        (place / 'model.safetensors').unlink()
        if safe:
            from safetensors.torch import save_file

            save_file(tensors, place / 'model.safetensors')
        else:
            torch.save(tensors, place / 'pytorch_model.bin')
        content = json.loads((place / 'config.json').read_text())
        for key, value in config.items():
            content['vision_config'][key] = value
        (place / 'config.json').write_text(json.dumps(content))
        return str(place)

    return save


def loaded(cls, pretrained, **options):
    encoder = cls(pretrained, **options).eval()
    encoder.init_weights()
    return encoder


def as_half(tensors):
    for name, tensor in tensors.items():
        tensors[name] = tensor.half()
    tensors['vision_model.embeddings.position_ids'] = torch.arange(17)[None]  # of older files
    tensors['text_model.embeddings.position_ids'] = torch.arange(77)[None]


@pytest.mark.parametrize('safe', [True, False], ids=['safetensors', 'bin'])
def test_equals_the_whole_clip(whole, folder, safe):
    place = folder(safe=safe)
    image, text = loaded(CLIPImageEncoder, place), loaded(CLIPTextEncoder, place)
    frames, tokens = torch.randn(3, 3, 16, 16), text.tokenize(PROMPTS)
    with torch.no_grad():
        expected = whole(input_ids=tokens, pixel_values=frames)
        u, v = image(frames), text(tokens)
        pooled = loaded(CLIPImageEncoder, place, projection=False)(frames)
        pooled_there = whole.vision_model(frames).pooler_output
    u, v = (one / one.norm(dim=1, keepdim=True) for one in (u, v))
    torch.testing.assert_close(u, expected.image_embeds, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(v, expected.text_embeds, rtol=1e-5, atol=1e-6)
    logits = whole.logit_scale.exp() * u @ v.T
    torch.testing.assert_close(logits, expected.logits_per_image, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(pooled, pooled_there, rtol=1e-5, atol=1e-6)


def test_half_precision_and_position_ids_of_a_file(whole, folder):
    encoder = loaded(CLIPImageEncoder, folder(as_half))
    state = encoder.model.state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    for name, tensor in state.items():
        assert torch.equal(tensor, whole.state_dict()[name].half().float()), name


def test_checkpointing_and_attention_change_no_gradient(folder):
    place, frames, gradients = folder(), torch.randn(2, 3, 16, 16), []
    for options in (dict(), dict(with_cp=True), dict(attention='eager')):
        encoder = loaded(CLIPImageEncoder, place, **options).train()
        encoder(frames).square().sum().backward()
        gradients.append({name: value.grad for name, value in encoder.named_parameters()})
    assert all(grad is not None for grad in gradients[0].values())  # DDP finds all of them used
    for other in gradients[1:]:
        for name, grad in gradients[0].items():
            torch.testing.assert_close(grad, other[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('architecture', 'both', 'image', 'on_hub'),
    [
        ('ViT-B/32', 151277313, 87849216, 'openai/clip-vit-base-patch32'),
        ('ViT-B/16', 149620737, 86192640, 'openai/clip-vit-base-patch16'),
        ('ViT-L/14', 427616513, 303966208, 'openai/clip-vit-large-patch14'),
        ('ViT-L/14@336', 427944193, 304293888, 'hf://openai/clip-vit-large-patch14-336'),
    ],
)
def test_published_sizes(architecture, both, image, on_hub):
    with torch.device('meta'):
        encoders = CLIPImageEncoder(config=architecture), CLIPTextEncoder(config=architecture)
        by_name = CLIPImageEncoder(on_hub)  # downloads nothing
    counts = [sum(p.numel() for p in encoder.parameters()) for encoder in encoders]
    assert counts[0] == image
    assert sum(counts) + 1 == both  # and the logit scale, which no encoder has
    assert by_name.config == encoders[0].config
    assert by_name.config['hidden_act'] == 'quick_gelu'


def fresh(**changes):
    return CLIPImageEncoder(config=dict(IMAGE, **changes))


def drop(tensors):
    del tensors['vision_model.encoder.layers.1.mlp.fc1.bias']


def add(tensors):
    tensors['vision_model.adapter.weight'] = torch.zeros(2)


def stranger(tensors):
    tensors['classifier.weight'] = torch.zeros(2)


def reshape(tensors):
    tensors['visual_projection.weight'] = torch.zeros(3, 32)


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (drop, '39 of 40 CLIP .* missing: vision_model.encoder.layers.1.mlp.fc1.bias. Nothing'),
        (add, 'unknown: vision_model.adapter.weight. Nothing was loaded'),
        (stranger, 'unknown: classifier.weight'),
        (reshape, r'wrong shape: visual_projection.weight \(3, 32\) instead of \(24, 32\)'),
    ],
)
@pytest.mark.parametrize('safe', [True, False], ids=['safetensors', 'bin'])
def test_all_tensors_or_none(folder, change, told, safe):
    torch.manual_seed(3)
    encoder = CLIPImageEncoder(folder(change, safe=safe))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(MMFakeError, match=told):
        encoder.init_weights()
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_what_no_tensor_tells_is_compared(folder):
    place = folder(hidden_act='gelu')
    assert CLIPImageEncoder(place).config['hidden_act'] == 'gelu'
    with pytest.raises(MMFakeError, match="have hidden_act='gelu', the encoder has 'quick_gelu'"):
        loaded(CLIPImageEncoder, place, config=IMAGE)
    # a config.json that says nothing means quick GELU
    path = Path(place, 'config.json')
    content = json.loads(path.read_text())
    del content['vision_config']['hidden_act']
    path.write_text(json.dumps(content))
    loaded(CLIPImageEncoder, place, config=IMAGE)
    with pytest.raises(MMFakeError, match="have hidden_act='quick_gelu', the encoder has 'gelu'"):
        loaded(CLIPImageEncoder, place, config=dict(IMAGE, hidden_act='gelu'))
    # nor does a checkpoint of ours under another activation or number of heads pass
    facts = preprocessing_of(torch.nn.ModuleDict(dict(backbone=fresh())))
    for change in (dict(hidden_act='gelu'), dict(num_attention_heads=4)):
        other = preprocessing_of(torch.nn.ModuleDict(dict(backbone=fresh(**change))))
        with pytest.raises(MMFakeError, match=f'backbone.{next(iter(change))}'):
            check_preprocessing(facts, other)


def test_a_damaged_or_incomplete_folder_is_told_in_one_line(folder, tmp_path):
    place = folder()
    path = os.path.join(place, 'model.safetensors')
    content = Path(path).read_bytes()
    encoder = CLIPImageEncoder(place)
    with open(path, 'wb') as file:
        file.write(content[: len(content) // 2])
    with pytest.raises(MMFakeError, match='model.safetensors: cannot be read as safetensors'):
        encoder.init_weights()
    os.unlink(path)
    with pytest.raises(MMFakeError, match='holds none of model.safetensors'):
        encoder.init_weights()
    with open(os.path.join(place, 'config.json'), 'w') as file:
        file.write('{"model_type"')
    with pytest.raises(MMFakeError, match='config.json: cannot be read as the config of a CLIP'):
        CLIPImageEncoder(place)
    with open(os.path.join(place, 'config.json'), 'w') as file:
        file.write('{"model_type": "bert"}')
    with pytest.raises(MMFakeError, match='config.json: is of a bert, not of a CLIP'):
        CLIPImageEncoder(place)


def test_parts_of_one_file(whole, folder):
    place = folder()
    os.unlink(os.path.join(place, 'model.safetensors'))
    whole.save_pretrained(place, max_shard_size='20KB')
    assert os.path.isfile(os.path.join(place, 'model.safetensors.index.json'))
    name = 'vision_model.post_layernorm.weight'
    encoder = loaded(CLIPImageEncoder, place)
    assert torch.equal(encoder.model.state_dict()[name], whole.state_dict()[name])


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (dict(), "its sizes are not known .*set config='ViT-B/32'"),
        (dict(pretrained='hf://me/mine'), 'hf://me/mine does not tell them'),
        (dict(pretrained='checkpoints/none'), 'checkpoints/none does not tell them'),
        (dict(config='RN50'), "config='RN50' is no known architecture; set one of ViT-B/32, "),
        (dict(config=dict(IMAGE, width=3)), 'config.width is no size of a CLIP encoder'),
        (dict(config=dict(IMAGE, num_attention_heads=3)), 'cannot be built .*'),
        (dict(config=dict(IMAGE, hidden_act='quick')), r'hidden_act.*cannot be built \(.*quick'),
        (dict(config=IMAGE, attention='fast'), "attention='fast' cannot be built"),
    ],
)
def test_wrong_options(options, told):
    with pytest.raises(MMFakeError, match=told):
        CLIPImageEncoder(**options)


def test_missing_weights_and_no_download(monkeypatch):
    import huggingface_hub

    asked = []

    def offline(name, **options):
        asked.append(name)
        raise OSError('no network')

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', offline)
    with pytest.raises(MMFakeError, match=r'CLIP weights not found: /.*/checkpoints/none; get'):
        CLIPImageEncoder('checkpoints/none', config=IMAGE).init_weights()
    encoder = CLIPImageEncoder('hf://me/mine', config=IMAGE)
    assert asked == []
    with pytest.raises(MMFakeError, match=r'hf://me/mine: cannot be downloaded .*\(no network\)'):
        encoder.init_weights()
    assert asked == ['me/mine']


def test_frames_of_another_size_are_refused():
    with pytest.raises(MMFakeError, match=r'\(1, 3, 20, 16\), but it takes frames \(N, 3, 16, 16'):
        fresh()(torch.zeros(1, 3, 20, 16))


def test_text_is_cut_to_the_longest_prompt():
    torch.manual_seed(1)
    encoder = MODELS.build(dict(type='mmfake.CLIPTextEncoder', config=TEXT)).eval()
    tokens = encoder.tokenize(PROMPTS)
    assert tokens.shape == (2, 16)
    for padding in (0, 49407):
        whole = torch.full((2, 77), padding)
        for row, prompt in enumerate(PROMPTS):
            ids = encoder.tokenize([prompt])[0]
            whole[row, : len(ids)] = ids
        torch.testing.assert_close(encoder(tokens), encoder(whole), rtol=1e-5, atol=1e-6)
    with pytest.raises(MMFakeError, match="the prompt 'a face.*' has 82 tokens of at most 77"):
        encoder.tokenize(['a face ' * 40])


def test_shipped_tokens():
    # the ids of OpenAI's vocabulary, written out
    assert tokenize(PROMPTS) == [
        [49406, 320, 1125, 539, 320, 5777, 1710, 49407],
        [49406, 320, 1125, 539, 320, 1710, 593, 518, 2029, 527, 5493, 539, 3272, 569, 25201, 49407],
    ]
    with pytest.raises(MMFakeError, match="needs a vocabulary, as 'cat' is not among the 28 words"):
        tokenize(['a photo of a cat'])


def test_tokenizer_of_the_folder(tmp_path):
    # a vocabulary of letters: what the folder has is taken, not what is shipped
    letters = [chr(c) for c in range(ord('a'), ord('z') + 1)]
    vocabulary = [*letters, *(f'{c}</w>' for c in letters), '<|startoftext|>', '<|endoftext|>']
    ids = {token: number for number, token in enumerate(vocabulary)}
    (tmp_path / 'vocab.json').write_text(json.dumps(ids))
    (tmp_path / 'merges.txt').write_text('#version: 0.2\n')
    assert tokenize(['A cat'], str(tmp_path)) == [[52, 26, 2, 0, 45, 53]]
    (tmp_path / 'vocab.json').write_text('{')
    with pytest.raises(MMFakeError, match='its tokenizer cannot be read'):
        tokenize(['A cat'], str(tmp_path))


def test_weights_are_read_once_and_by_the_recognizer(folder):
    place = folder()
    model = MODELS.build(
        dict(
            type='mmfake.DualStreamRecognizer',
            backbone=dict(type='mmfake.CLIPImageEncoder', pretrained=place),
            binary=dict(cls_head=dict(type='mmfake.MLPHead', num_classes=2, in_channels=24)),
        )
    )
    model.init_weights()
    expected = clip_weights._read(os.path.join(place, 'model.safetensors'))
    name = 'vision_model.embeddings.patch_embedding.weight'
    weight = model.backbone.model.state_dict()[name]
    assert torch.equal(weight, expected[name][1])
    with torch.no_grad():
        model.backbone.model.vision_model.embeddings.patch_embedding.weight.zero_()
    model.init_weights()  # trained weights stay
    assert not model.backbone.model.state_dict()[name].any()


BESIDE = """
import sys

sys.path.insert(0, sys.argv[1])
import mmfake
sizes = dict(hidden_size=64, num_hidden_layers=1, num_attention_heads=2)
print(mmfake.CLIPImageEncoder(config=sizes).out_channels)
"""


def test_beside_a_broken_torchvision(tmp_path):
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text("raise RuntimeError('no operator nms')")
    info = tmp_path / 'torchvision-0.28.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0')
    words = [sys.executable, '-c', BESIDE, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == '512', done.stderr[-2000:]


def test_without_transformers(monkeypatch):
    from mmfake.compat import host

    for found, state in ((None, 'it is not installed'), ('4.30.2', '4.30.2 is installed')):
        monkeypatch.setattr(host, 'installed_version', lambda names, found=found: found)
        with pytest.raises(MMFakeError) as told:
            fresh()
        line = f'CLIP needs transformers >= 4.46, but {state}; run: pip install'
        assert re.match(re.escape(line), str(told.value))
