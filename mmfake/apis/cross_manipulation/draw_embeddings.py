"""The map of the test embeddings of a cell."""

from __future__ import annotations

from pathlib import Path

from ...datasets.protocol import method_name
from ...evaluation.paper import regime_name
from ...visualization.embedding_map import draw_embedding_map
from ...visualization.style import save_figure
from .cell import Cell
from .cell_folder import CellFolder
from .embed_cell import embed_cell


def draw_embeddings(folder: CellFolder, cell: Cell, out_dir: Path) -> None:
    """Encode the test videos of a cell and draw the map, as PNG and SVG.

    Args:
        folder (CellFolder): Folder of the cell, which was tested.
        cell (Cell): The cell.
        out_dir (Path): Where ``embedding_<cell>.png`` and ``.svg`` go.

    Raises:
        MMFakeError: The cell was not tested, its data is not there, or a file cannot be written.
    """
    embeddings, methods = embed_cell(folder)
    name = regime_name(cell.regime)
    title = f'{name},\n{method_name(cell.holdout)} held out, training seed {cell.seed}'
    figure = draw_embedding_map(embeddings, methods, title)
    for ending in ('png', 'svg'):
        save_figure(figure, out_dir / f'embedding_{cell.name.replace("/", "_")}.{ending}')
