import json

import pytest

from data_prep.listings.dfdc import list_dfdc_preview
from mmfake.errors import MMFakeError


def test_labels_sets_and_people(preview):
    records = list_dfdc_preview(str(preview))
    name = '1255229_1260311_C_001'
    assert [(r.stem, r.method, r.split, r.target, r.source) for r in records] == [
        ('643049_A_001', 'original', 'train', '643049_A_001', ''),
        ('1260311_C_001', 'original', 'test', '1260311_C_001', ''),
        (f'method_A_{name}', 'dfdcp', 'test', '?', '1255229'),
        (f'method_B_{name}', 'dfdcp', 'test', '?', '1255229'),
    ]
    assert {r.filename for r in records} == {str(path) for path in preview.rglob('*.mp4')}
    assert len({r.video_id for r in records}) == 4
    assert records[2].video_id == f'dfdc_preview/dfdcp/released/method_A_{name}'


@pytest.mark.parametrize(
    ('key', 'entry', 'message'),
    [
        ('method_C/a/b.mp4', dict(label='fake', set='test'), 'is no path of a video in one of'),
        ('method_A/../b.mp4', dict(label='fake', set='test'), 'is no path of a video in one of'),
        ('b.mp4', dict(label='fake', set='test'), 'is no path of a video in one of'),
        ('method_A/a.mp4', dict(label='real', set='test'), "'real' in a folder of fake videos"),
        ('original_videos/a.mp4', dict(label='fake', set='test'), 'in a folder of real videos'),
        ('method_A/a.mp4', dict(set='test'), 'label None in a folder of fake'),
        ('method_A/a.mp4', dict(label='fake', set='val'), "set 'val' is neither train nor test"),
        ('method_A/a.mp4', dict(label='fake'), 'set None is neither'),
    ],
)
def test_wrong_entry_is_named(preview, key, entry, message):
    path = preview / 'dataset.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **{key: entry})))
    with pytest.raises(MMFakeError, match=message) as caught:
        list_dfdc_preview(str(preview))
    assert f"list {path}, entry '{key}'" in str(caught.value)


def test_missing_list_is_named(preview):
    (preview / 'dataset.json').unlink()
    with pytest.raises(MMFakeError, match=r'dataset\.json not found'):
        list_dfdc_preview(str(preview))
