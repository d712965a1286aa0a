"""Stand-in of a matrix of trainings: its commands leave what a training and a test would."""

import torch
from mmaction.registry import DATASETS

from mmfake.apis.cell import Cell, CellCommands
from mmfake.apis.cross_manipulation import cross_manipulation
from mmfake.evaluation.scores import COLUMNS
from tools.cross_manipulation import parse

GOOD = Cell('good', 'f2f', 0)


@DATASETS.register_module(force=True)
class ListedVideos:
    """A test set that has no videos, or cannot be built."""

    def __init__(self, error=None):
        if error:
            raise KeyError(error)
        self.metainfo = dict(expected_videos=dict.fromkeys(names_of('f2f')))


def names_of(method):
    stems = [f'{place:03d}' for place in range(6)]
    return [f'ffpp/original/c23/{x}' for x in stems] + [f'ffpp/{method}/c23/{x}_9' for x in stems]


def scores_of(method, shift=0.0):
    rows = [','.join(COLUMNS)]
    for place, name in enumerate(names_of(method)):
        fake = place >= 6
        score = 0.1 + 0.05 * (place % 6) + fake * (0.3 + shift)
        rows.append(f'{name},{method if fake else "original"},{int(fake)},{score},4,scored,')
    return '\n'.join(rows) + '\n'


class Matrix:
    """Configs of regimes on hold-out f2f, and commands that stand in for train.py and test.py."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.work_dir, self.configs = folder, folder / 'work', folder / 'configs'
        self.configs.mkdir()
        torch.save(dict(meta=dict(val_threshold=0.4)), folder / 'best.pth')
        self.before_train = {}  # regime -> shell commands
        self.reported = []  # the cells of each table
        monkeypatch.setattr(CellCommands, 'train', lambda _, cell, place=0: self.train(cell))
        monkeypatch.setattr(CellCommands, 'test', lambda _, cell, best, place=0: self.test(cell))

    def add(self, regime, text='', before_train=':'):
        data = 'test_dataloader = dict(dataset=dict(type="ListedVideos"), num_workers=2)\n'
        path = self.configs / f'{regime}_holdout_f2f.py'
        path.write_text(f'{data}lr = 0.1\nload_from = None\n{text}')
        self.before_train[regime] = before_train

    def train(self, cell):
        start, config = '20260101_000000/vis_data', self.configs / cell.config
        script = f"""
            echo "$1" >> {self.folder}/told; cd {self.work_dir / cell.name}
            mkdir -p {start}; cat {config} > {start}/config.py
            echo 'randomness = dict(seed={cell.seed})' >> {start}/config.py
            {self.before_train[cell.regime]}
            touch epoch_1.pth; cp {self.folder}/best.pth best_deepfake_auc_epoch_1.pth
            echo epoch_1.pth > last_checkpoint"""
        return ['bash', '-ec', script, 'bash', f'train {cell.name}']

    def test(self, cell):
        scores = self.folder / f'{cell.regime}_{cell.seed}.csv'
        scores.write_text(scores_of(cell.holdout, 0.01 * cell.seed))
        script = f'echo "$1" >> {self.folder}/told; cp {scores} {self.cell(cell)}/scores.csv'
        return ['bash', '-ec', script, 'bash', f'test {cell.name}']

    def cell(self, cell):
        return self.work_dir / cell.name

    def note(self, runs, out_dir, inputs, lost):
        """Stands in for the tables and figures where these are not looked at."""
        self.reported.append([f'{run.regime}/{run.seed}' for run in runs])

    def run(self, *words):
        call = [str(x) for x in ('--work-dir', self.work_dir, '--configs', self.configs, *words)]
        return cross_manipulation(**vars(parse(call)))

    def told(self):
        """The commands that ran, since the last time this was asked."""
        told = self.folder / 'told'
        lines = told.read_text().splitlines() if told.exists() else []
        told.unlink(missing_ok=True)
        return lines
