"""All-gather of batches that may differ in length between ranks."""

from __future__ import annotations

import torch
from mmengine.dist import all_gather, get_world_size
from torch import Tensor


def gather_rows(rows: Tensor) -> Tensor:
    """Concatenate the rows of all ranks, in the order of the ranks.

    ``all_gather`` needs equal shapes, but a rank whose batch held an unreadable video has fewer
    rows: they are padded for the exchange and cut back after it.

    Args:
        rows (Tensor): ``(N_rank, ...)``.

    Returns:
        Tensor: ``(sum of N_rank, ...)``, the same on every rank.
    """
    if get_world_size() == 1:
        return rows
    counts = torch.cat(all_gather(torch.tensor([len(rows)], device=rows.device))).tolist()
    padded = rows.new_zeros(max(counts), *rows.shape[1:])
    padded[: len(rows)] = rows
    return torch.cat([part[:count] for part, count in zip(all_gather(padded), counts)])
