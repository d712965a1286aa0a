"""A detector trained on FF++ meets the test split of another dataset."""

import copy
import csv
from pathlib import Path
from types import SimpleNamespace

import mmaction.datasets.transforms  # noqa: F401 (fills the registry)
import pytest
from mmengine import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from torch import nn

from data_prep.listings.list_dataset import list_dataset
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.index import COLUMNS
from mmfake.engine.hooks.checkpoint_facts import ProtocolHook
from mmfake.errors import MMFakeError
from mmfake.evaluation.deepfake_metric import DeepfakeMetric

ROOT = Path(__file__).parents[2]
VARIANT = f"""
_base_ = '{ROOT}/configs/mtl/bin_multi_ce_holdout_f2f.py'
test_dataloader = dict(
    dataset=dict(
        data_root='data/celebdf2', holdout='cdf', methods=['cdf'], compression='released'
    )
)
"""
FOLDERS = {
    'Celeb-real': ['id0_0000', 'id1_0000'],
    'YouTube-real': ['00170'],
    'Celeb-synthesis': ['id0_id1_0000', 'id1_id0_0000', 'id1_id0_0001'],
}
TESTED = ['YouTube-real/00170', 'Celeb-real/id1_0000']
TESTED_FAKES = ['Celeb-synthesis/id1_id0_0000', 'Celeb-synthesis/id1_id0_0001']


@pytest.fixture
def celeb(tmp_path, video_writer):
    """Celeb-DF v2, listed and with an index as data preparation writes it; no clip of one fake."""
    raw = tmp_path / 'data' / 'celebdf2'
    for folder, stems in FOLDERS.items():
        (raw / folder).mkdir(parents=True)
        for seed, stem in enumerate(stems):
            video_writer(raw / folder / f'{stem}.mp4', frames=32, size=32, seed=seed)
    lines = [f'1 {name}.mp4' for name in TESTED] + [f'0 {name}.mp4' for name in TESTED_FAKES]
    (raw / 'List_of_testing_videos.txt').write_text('\n'.join(lines))
    with open(raw / 'index.csv', 'w', newline='') as stream:
        writer = csv.DictWriter(stream, (*COLUMNS, 'detector'))
        writer.writeheader()
        for record in list_dataset('celebdf2', str(raw)):
            row = {key: getattr(record, key) for key in COLUMNS if hasattr(record, key)}
            row.update(id=record.video_id, frames=32, fps=25, detector='none')
            row['path'] = str(Path(record.filename).relative_to(raw))
            if record.stem == 'id1_id0_0001':
                row.update(status='no-face', reason='no face in 32 frames', path='')
            writer.writerow(row)
    return raw


@pytest.fixture
def loader(celeb, tmp_path, monkeypatch):
    (tmp_path / 'my_celebdf.py').write_text(VARIANT)
    monkeypatch.chdir(tmp_path)
    loader = Config.fromfile('my_celebdf.py').test_dataloader
    loader.update(dict(batch_size=2, num_workers=0, persistent_workers=False))
    return Runner.build_dataloader(loader, seed=0)


def test_variant_reads_the_test_split_of_the_other_dataset(loader):
    dataset = loader.dataset
    assert [dataset.get_data_info(i)['video_id'] for i in range(len(dataset))] == [
        'celebdf2/original/released/00170',
        'celebdf2/original/released/id1_0000',
        'celebdf2/cdf/released/id1_id0_0000',
    ]
    assert dataset.metainfo['expected_videos']['celebdf2/cdf/released/id1_id0_0001'] == dict(
        method='cdf', label=1, reason='no face in 32 frames'
    )
    assert dataset.get_data_info(2)['label_multi'] == -1


def test_metric_scores_it_and_counts_what_is_not_there(loader):
    evaluator = Evaluator(DeepfakeMetric(n_bootstrap=0))
    evaluator.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        samples = copy.deepcopy(batch['data_samples'])
        for sample in samples:
            sample.set_pred_score([0.3, 0.7] if sample.label_bin else [0.6, 0.4])
        evaluator.process(data_samples=samples)
    results = evaluator.evaluate(len(loader.dataset))
    assert results['deepfake/cdf/auc'] == 1.0
    assert (results['deepfake/n_scored'], results['deepfake/n_expected']) == (3, 4)


def test_checkpoint_of_ffpp_passes_and_one_that_has_seen_the_dataset_does_not(loader, celeb):
    def test(trained_on):
        hook = ProtocolHook()
        runner = SimpleNamespace(_resume=False, test_dataloader=loader, model=nn.Module())
        hook.after_load_checkpoint(runner, dict(meta=dict(dataset_meta=trained_on)))
        hook.before_test(runner)

    test(dict(holdout='f2f', multi_classes=('original', 'df', 'fs', 'nt')))
    trained = FFPPDataset([], 'train', None, str(celeb), methods='cdf', compression='released')
    assert trained.metainfo['multi_classes'] == ('original', 'cdf')
    with pytest.raises(MMFakeError, match='trained on original, cdf, so cdf is no method it has'):
        test(trained.metainfo)


def test_forgotten_compression_says_which_there_is(celeb):
    with pytest.raises(MMFakeError, match=r'no original, cdf video of compression c23 .*released'):
        FFPPDataset([], 'test', 'cdf', str(celeb), methods='cdf')
