"""CLIP image and text encoders (arXiv 2103.00020), over the models of ``transformers``."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...compat.host import import_transformers
from ...errors import MMFakeError, first_line
from .clip_tokens import tokenize
from .clip_weights import load_tower, tower_config


class _CLIPTower(BaseModule):
    """What both encoders share: building, initialisation and loading."""

    PART: str  # of transformers' CLIPConfig
    MODEL: str  # classes of transformers
    CONFIG: str

    def __init__(
        self,
        pretrained: Optional[str],
        config: Optional[Union[str, Dict]],
        with_cp: bool,
        attention: str,
    ) -> None:
        super().__init__()
        transformers = import_transformers()
        self.pretrained = pretrained
        self.config = tower_config(self.PART, pretrained, config)
        known = getattr(transformers, self.CONFIG)().to_dict()
        unknown = sorted(set(self.config) - set(known))
        if unknown:
            raise MMFakeError(
                f'{type(self).__name__}: config.{unknown[0]} is no size of a CLIP encoder; it has '
                'hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, '
                'projection_dim, hidden_act and those of transformers.' + self.CONFIG
            )
        try:
            built = getattr(transformers, self.CONFIG)(**self.config)
            self.model = getattr(transformers, self.MODEL)._from_config(
                built, attn_implementation=attention
            )
        except Exception as error:  # also the library's own, of its checks of a config
            raise MMFakeError(
                f'{type(self).__name__}: config={self.config}, attention={attention!r} cannot be '
                f'built ({first_line(error)}); correct the value.'
            ) from None
        self.config = {key: getattr(built, key) for key in known if hasattr(built, key)}
        if with_cp:
            self.model.gradient_checkpointing_enable(dict(use_reentrant=False))

    @property
    def facts(self) -> Dict[str, Any]:
        """What decides the output and is no tensor, for :class:`mmfake.PreprocessingHook`."""
        return {key: self.config[key] for key in ('hidden_act', 'num_attention_heads')}

    def init_weights(self) -> None:
        """Keep transformers' random weights, or read the pre-trained ones, all or none."""
        if not self.is_init and self.pretrained is not None:
            load_tower(self.model, self.PART, self.pretrained, self.facts)
        self._is_init = True


@MODELS.register_module()
class CLIPImageEncoder(_CLIPTower):
    """CLIP's image encoder: a vision transformer on single frames.

    `Learning Transferable Visual Models From Natural Language Supervision
    <https://arxiv.org/abs/2103.00020>`_. Inside :class:`mmfake.PerFrame` it is the backbone of a
    detector. It wants CLIP's normalisation in the ``data_preprocessor`` (mean 122.771, 116.746,
    104.094 and std 68.501, 66.632, 70.323 on 0..255) and frames of its own size. Needs
    ``transformers``. Its weights are kept, and trained, in single precision.

    Args:
        pretrained (str, optional): Where ``init_weights`` finds the weights, all of which must fit:
            a folder in the layout of the Hugging Face hub, a file of it (``*.safetensors``,
            ``*.bin``), or, which downloads, a model on the hub: ``'openai/clip-vit-base-patch32'``,
            its siblings, any other as ``'hf://OWNER/NAME'``. Nothing is ever downloaded or read by
            the constructor, but the sizes from a local folder. Defaults to None, random weights.
        config (str or dict, optional): Sizes: ``'ViT-B/32'``, ``'ViT-B/16'``, ``'ViT-L/14'``,
            ``'ViT-L/14@336'``, or arguments of transformers' ``CLIPVisionConfig``; what a dict
            leaves out is that of ViT-B/32. Defaults to None, those of ``pretrained``. Give it
            where a trained checkpoint is to be tested without the folder.
        projection (bool): Whether the output is projected into the space that it shares with the
            text. Without, it is the class token behind the last layer norm, and the projection
            does not exist. Defaults to True.
        with_cp (bool): Compute activations a second time in backward instead of keeping them.
            Defaults to False.
        attention (str): ``'sdpa'`` or ``'eager'``. Defaults to 'sdpa', PyTorch's own fast one.

    Raises:
        MMFakeError: If transformers is missing or a size is wrong or not known; from
            ``init_weights`` if the weights are missing, damaged or of another model.

    Examples:
        >>> import torch
        >>> from mmfake import CLIPImageEncoder
        >>> encoder = CLIPImageEncoder(config=dict(hidden_size=64, num_hidden_layers=2,
        ...     intermediate_size=128, num_attention_heads=2, image_size=64, projection_dim=32))
        >>> encoder(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 32])
    """

    PART = 'vision_config'
    MODEL, CONFIG = 'CLIPVisionModelWithProjection', 'CLIPVisionConfig'

    def __init__(
        self,
        pretrained: Optional[str] = None,
        config: Optional[Union[str, Dict]] = None,
        projection: bool = True,
        with_cp: bool = False,
        attention: str = 'sdpa',
    ) -> None:
        super().__init__(pretrained, config, with_cp, attention)
        if not projection:
            self.model.visual_projection = nn.Identity()
        self.out_channels = self.config['projection_dim' if projection else 'hidden_size']

    def forward(self, x: Tensor) -> Tensor:
        """Embed frames.

        Args:
            x (Tensor): Normalised frames ``(N, 3, H, W)``, H and W being ``image_size``.

        Returns:
            Tensor: Embeddings ``(N, out_channels)``, not of unit length.

        Raises:
            MMFakeError: If the frames have another size.
        """
        size = self.config['image_size']
        if x.ndim != 4 or tuple(x.shape[2:]) != (size, size):
            raise MMFakeError(
                f'CLIPImageEncoder: input of shape {tuple(x.shape)}, but it takes frames '
                f'(N, 3, {size}, {size}); set the size in the pipeline (Resize, CenterCrop) or '
                'model.backbone.config.image_size.'
            )
        return self.model(pixel_values=x).image_embeds


@MODELS.register_module()
class CLIPTextEncoder(_CLIPTower):
    """CLIP's text encoder: a causal transformer that is read at the end-of-text token.

    Args:
        pretrained (str, optional): As for :class:`CLIPImageEncoder`; the tokenizer is that of the
            folder. Defaults to None.
        config (str or dict, optional): As for :class:`CLIPImageEncoder`, with the arguments of
            transformers' ``CLIPTextConfig``. Defaults to None.
        with_cp (bool): As for :class:`CLIPImageEncoder`. Defaults to False.
        attention (str): As for :class:`CLIPImageEncoder`. Defaults to 'sdpa'.

    Raises:
        MMFakeError: As from :class:`CLIPImageEncoder`.

    Examples:
        >>> encoder = CLIPTextEncoder(config='ViT-B/32')
        >>> tokens = encoder.tokenize(['a photo of a real face', 'a photo of a fake face'])
        >>> tokens.shape, encoder(tokens).shape
        (torch.Size([2, 8]), torch.Size([2, 512]))
    """

    PART = 'text_config'
    MODEL, CONFIG = 'CLIPTextModelWithProjection', 'CLIPTextConfig'

    def __init__(
        self,
        pretrained: Optional[str] = None,
        config: Optional[Union[str, Dict]] = None,
        with_cp: bool = False,
        attention: str = 'sdpa',
    ) -> None:
        super().__init__(pretrained, config, with_cp, attention)
        self.out_channels = self.config['projection_dim']

    def tokenize(self, prompts: List[str]) -> Tensor:
        """Token ids ``(P, L)`` of prompts, L being the length of the longest.

        Raises:
            MMFakeError: If a prompt is too long, or needs a vocabulary that is not there.
        """
        rows = tokenize(prompts, self.pretrained)
        longest, limit = max(map(len, rows)), self.config['max_position_embeddings']
        if longest > limit:
            prompt = prompts[[len(row) for row in rows].index(longest)]
            raise MMFakeError(
                f'CLIPTextEncoder: the prompt {prompt!r} has {longest} tokens of at most {limit}; '
                'shorten it.'
            )
        # what follows the end of a text is seen by no token before it: padding may be anything
        padded = [row + [0] * (longest - len(row)) for row in rows]
        return torch.tensor(padded)

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed texts.

        Args:
            tokens (Tensor): Ids ``(P, L)`` as :meth:`tokenize` gives them, L at most
                ``max_position_embeddings``. Padding beyond the longest text changes nothing.

        Returns:
            Tensor: Embeddings ``(P, projection_dim)``, not of unit length.
        """
        return self.model(input_ids=tokens).text_embeds
