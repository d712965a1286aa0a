"""The test videos of a cell as its encoder sees them."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint

from ...datasets.unreadable import is_unreadable
from ...errors import MMFakeError
from .cell_folder import CellFolder


def embed_cell(folder: CellFolder) -> Tuple[np.ndarray, List[str]]:
    """Encode the test videos with the best checkpoint of a cell.

    Args:
        folder (CellFolder): Folder of a cell that was tested.

    Returns:
        tuple[np.ndarray, list[str]]: Embeddings (N, C), the mean over the clips of a video, and the
        method of each of the N videos that can be read.

    Raises:
        MMFakeError: The cell was not tested, or its data is not there.
    """
    cfg = folder.test_config()
    if cfg is None:
        raise MMFakeError(f'{folder.path}: no test has left a config here; run the cell first')
    return embed_videos(cfg, str(folder.best_checkpoint()))


@torch.no_grad()
def embed_videos(cfg: Config, checkpoint: str) -> Tuple[np.ndarray, List[str]]:
    """Encode the test videos of a config.

    Args:
        cfg (Config): Its ``model`` has ``extract_feat`` as mmaction2's recognizers.
        checkpoint (str): Weights.

    Returns:
        tuple[np.ndarray, list[str]]: As :func:`embed_cell` returns.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)  # without init_weights: the checkpoint has them all
    load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
    model.to('cuda' if torch.cuda.is_available() else 'cpu').eval()
    rows, methods = [], []
    for batch in Runner.build_dataloader(cfg.test_dataloader, seed=0):
        data = model.data_preprocessor(batch, training=False)
        inputs, samples = data['inputs'], data['data_samples']
        embedding, _ = model.extract_feat(inputs)  # (N*M, C)
        embedding = embedding.view(*inputs.shape[:2], -1).mean(dim=1)  # (N, C)
        for row, sample in zip(embedding.float().cpu().numpy(), samples):
            if not is_unreadable(sample):
                rows.append(row)
                methods.append(sample.method)
    return np.array(rows), methods
