"""Similarity of prompts before and after training: what ``tools/prompt_similarity.py`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np
import pandas as pd
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
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
    Where the text encoder was trained from random weights, which no file keeps, there is no
    ``before``.

    Args:
        config (str): Config of a detector with a :class:`mmfake.PromptHead`.
        checkpoint (str): Its checkpoint; nothing in it is run.
        out (str | Path): Folder of the files.
        scale (str, optional): As in training. Defaults to None.

    Returns:
        tuple[list[Path], pandas.DataFrame]: The files, and the table: ``prompt``, ``other``,
        ``before`` if it is known, ``after``.

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
    if not MMLogger.check_instance_created('prompt_similarity'):
        MMLogger.get_instance('prompt_similarity', log_level='ERROR')  # not how each tensor began
    head = MODELS.build(settings)
    names, cosines = head.prompts.names, {}
    if settings['text'].get('pretrained'):
        head.init_weights()
        cosines['before'] = _cosines(head, len(names))
    _load(head, checkpoint)
    cosines['after'] = _cosines(head, len(names))
    if 'before' not in cosines and not head.train_text:  # frozen: as it began, at random
        cosines = dict(before=cosines['after'], **cosines)

    stem = Path(out, 'prompt_similarity')
    title = f'{Path(config).stem}: similarity of its prompts'
    panels = {f'{when} training': matrix for when, matrix in cosines.items()}
    files = save_png_and_svg(draw_prompt_similarity(names, panels, title), stem)
    table = _table(names, cosines)
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


def _table(names: List[str], cosines: Dict[str, np.ndarray]) -> pd.DataFrame:
    """A row for each pair of prompts."""
    a, b = np.triu_indices(len(names), k=1)
    shown = np.array(names)
    values = {when: matrix[a, b] for when, matrix in cosines.items()}
    return pd.DataFrame(dict(prompt=shown[a], other=shown[b], **values))
