"""Similarity of prompts before and after training: what ``tools/prompt_similarity.py`` does."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Tuple, Union

import numpy as np
import pandas as pd
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

import mmfake.register  # noqa: F401 - also for configs that do not name it

from ..compat.checkpoints import safe_load
from ..engine.config import load_config
from ..errors import MMFakeError
from ..files import write_text
from ..visualization.prompt_similarity import draw_prompt_similarity
from ..visualization.style import save_png_and_svg


def prompt_similarity(
    config: str, checkpoint: str, out: Union[str, Path], scale: Optional[str] = None
) -> Tuple[List[Path], pd.DataFrame]:
    """Compare the embeddings of a detector's prompts with those it began with.

    Written are ``prompt_similarity.png``, ``.svg`` and ``.csv``, which has a row for each pair.

    Args:
        config (str): Config of a detector with a :class:`mmfake.PromptHead`.
        checkpoint (str): Its checkpoint; nothing in it is run.
        out (str | Path): Folder of the files.
        scale (str, optional): As in training. Defaults to None.

    Returns:
        tuple[list[Path], pandas.DataFrame]: The files, and the table: ``prompt``, ``other``,
        ``before``, ``after``.

    Raises:
        MMFakeError: The detector has no prompts, weights are missing, or a file cannot be written.
    """
    cfg = load_config(config, scale)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    settings = ((cfg.get('model') or {}).get('binary') or {}).get('cls_head') or {}
    if 'text' not in settings:
        raise MMFakeError(
            f'{config}: model.binary.cls_head has no text encoder; give the config of a detector '
            'with an mmfake.PromptHead, see configs/joint_embedding.'
        )
    torch.manual_seed(0)  # for a text encoder that began at random
    head = MODELS.build(settings)
    head.init_weights()
    names = head.prompts.names
    cosines = {'before training': _cosines(head, len(names))}
    if not settings['text'].get('pretrained'):
        cosines = {'random weights': cosines['before training']}
    _load(head, checkpoint)
    cosines['after training'] = _cosines(head, len(names))

    stem = Path(out, 'prompt_similarity')
    title = f'{Path(config).stem}: similarity of its prompts'
    files = save_png_and_svg(draw_prompt_similarity(names, cosines, title), stem)
    table = _table(names, *cosines.values())
    text = table.to_csv(index=False, float_format='%.6f', lineterminator='\n')
    write_text(stem.with_suffix('.csv'), text, 'the table')
    return [*files, stem.with_suffix('.csv')], table


def _load(head: nn.Module, checkpoint: str) -> None:
    """Load the head of a checkpoint, every tensor of it."""
    content = safe_load(checkpoint, 'cpu')
    weights = content.get('state_dict', content) if isinstance(content, dict) else None
    own = {
        str(key).split('binary.cls_head.')[-1]: value  # after the prefix of a wrapper
        for key, value in (weights.items() if isinstance(weights, dict) else ())
        if 'binary.cls_head.' in str(key)
    }
    expected = head.state_dict()
    wrong = [
        key
        for key, value in expected.items()
        if getattr(own.get(key), 'shape', None) != value.shape
    ]
    if wrong:
        raise MMFakeError(
            f'{checkpoint}: lacks {len(wrong)} of the {len(expected)} tensors of the text encoder, '
            f'or has them in another shape, such as {wrong[0]}; give the config and the --scale it '
            'was trained with.'
        )
    head.load_state_dict({key: own[key] for key in expected})


def _cosines(head: nn.Module, count: int) -> np.ndarray:
    """Cosines of the first prompts with each other, (count, count)."""
    texts = head.eval().text_embeddings()[:count].double()
    return (texts @ texts.T).clamp(-1, 1).numpy()


def _table(names: List[str], before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """A row for each pair of prompts."""
    a, b = np.triu_indices(len(names), k=1)
    shown = np.array(names)
    return pd.DataFrame(
        dict(prompt=shown[a], other=shown[b], before=before[a, b], after=after[a, b])
    )
