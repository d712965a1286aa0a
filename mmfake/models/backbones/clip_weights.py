"""CLIP weights: architectures by name, and reading one tower of a Hugging Face folder whole."""

from __future__ import annotations

import json
import logging
import os.path as osp
from typing import Any, Dict, Mapping, Optional, Tuple, Union

from mmengine.logging import print_log
from torch import Tensor, nn

from ...errors import MMFakeError, first_line
from .pretrained import WeightFiles, WeightLayout, pick_tensors, read_tensors

_B = dict(
    vision_config=dict(
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        image_size=224,
        projection_dim=512,
    ),
    text_config=dict(
        hidden_size=512,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=8,
        projection_dim=512,
    ),
)
_L = dict(
    vision_config=dict(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        patch_size=14,
        projection_dim=768,
    ),
    text_config=dict(
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        projection_dim=768,
    ),
)


def _with(base: Dict[str, Dict], **image: int) -> Dict[str, Dict]:
    return dict(base, vision_config=dict(base['vision_config'], **image))


# OpenAI's four vision transformers (arXiv 2103.00020, Table 20); all have quick GELU, which is
# transformers' default
ARCHITECTURES: Dict[str, Dict[str, Dict]] = {
    'ViT-B/32': _with(_B, patch_size=32),
    'ViT-B/16': _with(_B, patch_size=16),
    'ViT-L/14': _with(_L, image_size=224),
    'ViT-L/14@336': _with(_L, image_size=336),
}
_ON_HUB = {
    'openai/clip-vit-base-patch32': 'ViT-B/32',
    'openai/clip-vit-base-patch16': 'ViT-B/16',
    'openai/clip-vit-large-patch14': 'ViT-L/14',
    'openai/clip-vit-large-patch14-336': 'ViT-L/14@336',
}
_SCHEME = 'hf://'
# in order of preference: the first runs no code when it is read, the second is read so
_FILES = (
    *('model.safetensors', 'model.safetensors.index.json'),
    *('pytorch_model.bin', 'pytorch_model.bin.index.json'),
)
# what a file of the whole CLIP, or one written by transformers below 4.31, holds beside a tower
_LAYOUTS = {
    'vision_config': WeightLayout(
        'Hugging Face, as openai/clip-vit-large-patch14',
        '',
        None,
        extras=(
            *('text_model.', 'text_projection.', 'logit_scale'),
            'vision_model.embeddings.position_ids',
        ),
    ),
    'text_config': WeightLayout(
        'Hugging Face, as openai/clip-vit-large-patch14',
        '',
        None,
        extras=(
            *('vision_model.', 'visual_projection.', 'logit_scale'),
            'text_model.embeddings.position_ids',
        ),
    ),
}


def tower_config(
    part: str, pretrained: Optional[str], config: Optional[Union[str, Dict]]
) -> Dict[str, Any]:
    """Sizes of a tower, from what a user has given.

    Args:
        part (str): ``'vision_config'`` or ``'text_config'``.
        pretrained (str, optional): Folder, file or name on the hub.
        config (str | dict, optional): An architecture, or the sizes themselves.

    Raises:
        MMFakeError: If the architecture is unknown, or nothing tells the sizes.
    """
    if isinstance(config, Mapping):
        return dict(config)
    if config is None:
        config = _ON_HUB.get(str(pretrained).replace(_SCHEME, ''))
        stored = None if pretrained is None else _stored_config(pretrained, part)
        if stored is not None:
            return stored
        if config is None:
            told = 'no' if pretrained is None else f'{pretrained} does not tell them: no'
            raise MMFakeError(
                f"CLIP encoder: its sizes are not known ({told} config.json); set config='ViT-B/32'"
                ', another architecture or a dict of sizes.'
            )
    if config not in ARCHITECTURES:
        raise MMFakeError(
            f'CLIP encoder: config={config!r} is no known architecture; set one of '
            f'{", ".join(ARCHITECTURES)} or a dict of sizes.'
        )
    return dict(ARCHITECTURES[config][part])


# what transformers stores of a config beside the sizes
_SIZES = (
    *('vocab_size', 'hidden_size', 'intermediate_size', 'projection_dim', 'num_hidden_layers'),
    *('num_attention_heads', 'max_position_embeddings', 'num_channels', 'image_size', 'patch_size'),
    *('hidden_act', 'layer_norm_eps', 'eos_token_id'),
)
# what a config.json that does not say it means
_UNSAID = {
    'vision_config': dict(hidden_act='quick_gelu', num_attention_heads=12),
    'text_config': dict(hidden_act='quick_gelu', num_attention_heads=8),
}


def _stored_config(pretrained: str, part: str) -> Optional[Dict[str, Any]]:
    """Sizes in the config.json of a folder, or beside a file; None without one."""
    folder = pretrained if osp.isdir(pretrained) else osp.dirname(pretrained)
    path = osp.join(folder, 'config.json')
    if not osp.isfile(path) or not osp.exists(pretrained):
        return None
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        tower = dict(content.get(part, content))  # one tower alone has its sizes at the top
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise MMFakeError(
            f'{path}: cannot be read as the config of a CLIP ({first_line(error)}); get it again.'
        ) from None
    kind = content.get('model_type')
    if kind not in ('clip', f'clip_{part.replace("config", "model")}'):
        raise MMFakeError(f'{path}: is of a {kind}, not of a CLIP; give another folder.')
    if part in content and 'projection_dim' in content:
        tower['projection_dim'] = content['projection_dim']
    return {**_UNSAID[part], **{key: tower[key] for key in _SIZES if key in tower}}


def load_tower(model: nn.Module, part: str, pretrained: str, facts: Mapping[str, Any]) -> None:
    """Load every tensor of one tower, in single precision, or none.

    Args:
        model (nn.Module): The tower, with the names of transformers.
        part (str): ``'vision_config'`` or ``'text_config'``.
        pretrained (str): Folder, file or name on the hub, see :class:`mmfake.CLIPImageEncoder`.
        facts (Mapping[str, Any]): What the file's config has to agree on and no tensor tells.

    Raises:
        MMFakeError: If weights are missing, damaged, of another activation or do not hold exactly
            the tensors of the tower. The model is then unchanged.
    """
    place = _downloaded(pretrained)
    stored_config = _stored_config(place, part) or {}
    for key, value in facts.items():
        found = stored_config.get(key, value)
        if found != value:
            raise MMFakeError(
                f'{place}: these weights have {key}={found!r}, the encoder has {value!r}; set '
                f'config.{key}={found!r}.'
            )
    path = _weight_file(place)
    expected = model.state_dict()
    layout = _LAYOUTS[part]
    if 'visual_projection.weight' not in expected:  # an encoder without it
        layout = layout._replace(extras=(*layout.extras, 'visual_projection.'))
    files = WeightFiles('CLIP', 'model.backbone', (layout,), {}, 'set the config of the file, or ')
    tensors = pick_tensors(path, files, layout, expected, _read(path))
    model.load_state_dict(tensors)  # which makes single precision of half
    print_log(
        f'Encoder weights: {path}, {len(tensors)} of {len(expected)} tensors loaded.',
        logger='current',
        level=logging.INFO,
    )


def _downloaded(pretrained: str) -> str:
    """The local place of what a user has named, fetched from the hub only if it names that."""
    if osp.exists(pretrained):
        return pretrained
    if pretrained not in _ON_HUB and not pretrained.startswith(_SCHEME):
        raise MMFakeError(
            f'CLIP weights not found: {osp.abspath(pretrained)}; get the files of a folder such as '
            'https://huggingface.co/openai/clip-vit-large-patch14 (config.json, model.safetensors '
            "and, for other prompts, tokenizer.json), correct pretrained, or set pretrained='hf://"
            "OWNER/NAME' to download them."
        )
    import huggingface_hub  # comes with transformers

    name = pretrained.replace(_SCHEME, '')
    wanted = ['config.json', 'tokenizer*.json', 'vocab.json', 'merges.txt', 'model*.safetensors*']
    try:  # of several processes one fetches a file, and the others wait for its lock
        place = huggingface_hub.snapshot_download(name, allow_patterns=wanted)
        if not any(osp.isfile(osp.join(place, file)) for file in _FILES):
            place = huggingface_hub.snapshot_download(name, allow_patterns='pytorch_model*')
    except Exception as error:  # of the network, the hub, the name
        raise MMFakeError(
            f'{pretrained}: cannot be downloaded from huggingface.co ({first_line(error)}); '
            'download the folder by other means and give its path.'
        ) from None
    return place


def _weight_file(place: str) -> str:
    """The file with the weights, or with the index of its parts."""
    if osp.isfile(place):
        return place
    for name in _FILES:
        if osp.isfile(osp.join(place, name)):
            return osp.join(place, name)
    raise MMFakeError(f'{place}: holds none of {", ".join(_FILES)}; get one of them.')


def _read(path: str) -> Dict[str, Tuple[str, Tensor]]:
    """Read the tensors of a file, or of all parts that an index names; no code in it is run."""
    if path.endswith('.index.json'):
        try:
            with open(path, encoding='utf-8') as file:
                parts = sorted(set(json.load(file)['weight_map'].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise MMFakeError(f'{path}: no index of weights ({first_line(error)}).') from None
        inside = [osp.join(osp.dirname(path), osp.basename(part)) for part in parts]
        return {name: found for part in inside for name, found in _read(part).items()}
    if not path.endswith('.safetensors'):
        return read_tensors(path)
    from safetensors.torch import load_file  # comes with transformers

    try:
        return {name: (name, tensor) for name, tensor in load_file(path).items()}
    except Exception as error:  # the library's own, and those of the file system
        raise MMFakeError(
            f'{path}: cannot be read as safetensors ({first_line(error)}); it is damaged, '
            'incomplete or something else: get it again.'
        ) from None
