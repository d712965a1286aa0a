"""The neighbours of FF++ go through the same pipeline; their listings have tests of their own."""

import pandas as pd
import pytest

from data_prep import prepare_dataset as dataset_command
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.errors import MMFakeError

CENTRE = ('--detector', 'none', '--size', '32', '--frames', '24', '--min-frames', '16')


@pytest.fixture
def celebdf(tmp_path, write_raw, grey_film):
    """Two people: two videos each, a fake of one with the face of the other, one from YouTube."""
    root = tmp_path / 'Celeb-DF-v2'
    names = (
        *('Celeb-real/id0_0000', 'Celeb-real/id0_0001', 'Celeb-real/id1_0000'),
        *('YouTube-real/00000', 'Celeb-synthesis/id0_id1_0000', 'Celeb-synthesis/id0_id1_0001'),
    )
    for number, name in enumerate(names):
        write_raw(root / f'{name}.mp4', grey_film(number, 26))
    (root / 'List_of_testing_videos.txt').write_text(
        '1 YouTube-real/00000.mp4\n1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n'
    )
    return root


def test_celebdf_is_prepared_and_read(celebdf, tmp_path, capfd):
    out = tmp_path / 'out'
    words = ['--dataset', 'celebdf2', '--root', str(celebdf), '--out', str(out), *CENTRE]
    assert dataset_command.main(words) == 0
    said = capfd.readouterr().out
    assert '6 videos made' in said
    index = pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')
    fake = index.loc['celebdf2/cdf/released/id0_id1_0000']
    assert (fake.split, fake.target, fake.source) == ('test', 'id0_0000', 'id1')
    assert fake.track_of == 'celebdf2/original/released/id0_0000'
    dataset = FFPPDataset(
        pipeline=[],
        split='test',
        holdout='cdf',
        methods=['cdf'],
        compression='released',
        data_root=str(out),
    )
    dataset.full_init()
    labels = [dataset.get_data_info(number)['label_bin'] for number in range(len(dataset))]
    assert sorted(labels) == [0, 0, 1]


def test_wrong_usage(tmp_path, celebdf):
    words = ['--root', str(celebdf), '--out', str(tmp_path / 'out'), *CENTRE]
    with pytest.raises(MMFakeError, match='ffpp_root is no option of dataset celebdf2'):
        dataset_command.main(['--dataset', 'celebdf2', '--ffpp-root', 'x', *words])
    with pytest.raises(MMFakeError, match='dataset.json'):
        dataset_command.main(['--dataset', 'dfdc_preview', *words])
    with pytest.raises(SystemExit) as stop:
        dataset_command.main(['--dataset', 'nothing', *words])
    assert stop.value.code == 2
    assert not (tmp_path / 'out').exists()


def test_help_names_every_dataset(capsys):
    with pytest.raises(SystemExit):
        dataset_command.main(['--help'])
    said = capsys.readouterr().out
    for name in ('celebdf2', 'dfdc', 'dfdc_preview', 'deeperforensics', 'faceshifter'):
        assert f'\n  {name} ' in said
