import base64
import csv
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmfake.apis.error_gallery import (
    VideoFile,
    error_gallery,
    files_of_config,
    files_of_index,
    gallery_items,
)
from mmfake.datasets.index import COLUMNS
from mmfake.errors import MMFakeError
from mmfake.evaluation.scores_file import write_scores, write_scores_file
from mmfake.visualization.error_gallery import (
    HEIGHT,
    GalleryItem,
    choose_errors,
    draw_gallery,
    gallery_page,
)
from mmfake.visualization.style import save_figure
from tests.video import numbered
from tools.error_gallery import main

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """The tags with their attributes, and the text, of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.source = [], [], text
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data.strip())


def assert_loads_nothing(page):
    for _, attributes in page.tags:
        for key in ('src', 'href', 'data', 'action'):
            assert attributes.get(key, 'data:').startswith('data:')
        assert not any(key.startswith('on') for key in attributes)
    assert not {'script', 'link', 'iframe', 'i3'} & {tag for tag, _ in page.tags}
    assert 'url(' not in page.source
    assert '@import' not in page.source
    assert "default-src 'none'" in page.source


def id_of(method, stem):
    return f'ffpp/{method}/c23/{stem}'


@pytest.fixture
def dataset(tmp_path):
    """An index of clips whose n-th frame is grey level 10 n; one clip is gone, one was not used."""
    rows = []
    for method, stem, status in (
        ('original', '001', 'used'),
        ('original', '002', 'no-face'),
        ('f2f', '001_002', 'used'),
        ('f2f', '002_001', 'used'),
    ):
        name = f'{method}_{stem}.npy'
        if (method, stem) != ('f2f', '002_001'):
            levels = 10 * np.arange(21, dtype=np.uint8)
            np.save(tmp_path / name, np.tile(levels[:, None, None, None], (1, 30, 60, 3)))
        source = '' if method == 'original' else stem[4:]
        reason = '' if status == 'used' else 'no <face> found'
        rows.append(
            [id_of(method, stem), name, method, 'c23', stem[:3], source, 'test']
            + [21, 25, status, reason]
        )
    with open(tmp_path / 'index.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return tmp_path


@pytest.fixture
def scores(dataset):
    rows = [('original', '001', 0.9), ('original', '002', 0.8), ('original', '<i>3', 0.7)]
    rows += [('f2f', '001_002', 0.1), ('f2f', '002_001', 0.2), ('f2f', '005_006', 0.95)]
    path = dataset / 'scores.csv'
    with open(path, 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['video', 'method', 'label', 'score'])
        writer.writerows([id_of(m, stem), m, int(m != 'original'), s] for m, stem, s in rows)
    return path


def test_choice(make_run):
    frame = make_run('a', 'df', [0.2, 0.5, 0.9, 0.9, 0.6], df=[0.5, 0.49, 0.1, 0.3]).frame
    errors = choose_errors(frame, 0.5, top=3)
    assert errors.negatives.shown['video'].tolist() == ['df/2', 'df/3', 'df/1']
    # at the threshold a video is called manipulated; equal scores stay in the order of their names
    assert errors.positives.shown['video'].tolist() == ['original/2', 'original/3', 'original/4']
    assert errors.negatives.heading == 'False negatives: 3 of 4 manipulated videos'
    assert errors.positives.heading == 'False positives: 4 of 5 originals, 3 shown'
    other = choose_errors(frame, 0.95)
    assert (other.negatives.total, other.positives.total) == (4, 0)


def test_page_is_self_contained_and_complete(dataset, scores):
    gallery = error_gallery(scores, dataset / 'out', index=str(dataset / 'index.csv'))
    files = gallery.page, gallery.sheet
    assert [path.name for path in files] == ['error_gallery.html', 'error_gallery.png']
    page = Page(files[0].read_text())
    assert_loads_nothing(page)
    shown = [name for name in page.text if name.startswith('ffpp/')]
    names = [('f2f', '001_002'), ('f2f', '002_001')]
    names += [('original', '001'), ('original', '002'), ('original', '<i>3')]
    assert shown == [id_of(*name) for name in names]
    numbers = ['0.1000', '0.2000', '0.9000', '0.8000', '0.7000']
    assert [text for text in page.text if text[:2] == '0.'] == numbers
    notes = ['file not found', 'no <face> found', 'not in the dataset given']
    assert [text for text in page.text if text in notes] == notes
    images = [attributes for tag, attributes in page.tags if tag == 'img']
    assert len(images) == 2
    data = base64.b64decode(images[0]['src'].split('base64,')[1])
    strip = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    # six frames of 60 x 30 px, first to last, with gaps of 2 px
    assert strip.shape == (HEIGHT, 6 * 2 * HEIGHT + 5 * 2, 3)
    middles = strip[HEIGHT // 2, HEIGHT :: 2 * HEIGHT + 2, 0]
    assert np.abs(middles.astype(int) - [0, 40, 80, 120, 160, 200]).max() <= 2
    assert files[1].stat().st_size > 1000


@pytest.mark.parametrize(
    'hostile',
    [
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        '</title></style></ol><iframe src="http://x">',
        '{{ 7 * 7 }}{% include "/etc/passwd" %}&lt;b&gt;',
        'javascript:alert(1)\x00<!--',
    ],
)
def test_hostile_names_are_text(make_run, hostile):
    frame = make_run('a', 'df', [0.9], df=[0.1]).frame
    frame['video'] = [f'{hostile}1', f'{hostile}2']
    frame.loc[frame['label'] == 1, 'method'] = hostile
    strip = np.zeros((HEIGHT, 6 * HEIGHT, 3), np.uint8)
    items = {f'{hostile}1': GalleryItem(strip), f'{hostile}2': GalleryItem(None, hostile)}
    plain = {'a1': GalleryItem(strip), 'a2': GalleryItem(None, 'b')}
    page = Page(gallery_page(choose_errors(frame), items, hostile))
    assert_loads_nothing(page)
    frame['video'] = list(plain)
    expected = Page(gallery_page(choose_errors(frame), plain, 'c'))
    # the same tags and attributes as with harmless names: each name is text or an "alt"
    tags = [[(tag, sorted(attributes)) for tag, attributes in one.tags] for one in (page, expected)]
    assert tags[0] == tags[1]
    images = [attributes for tag, attributes in page.tags if tag == 'img']
    assert [image['alt'] for image in images] == [f'frames of {hostile}1']
    shown = ''.join(page.text)
    assert shown.count(hostile.strip()) == 2 + 2 + 1 + 1  # title, ids, method, note


def test_sheet(dataset, scores, make_run):
    frame = make_run('a', 'df', [0.2, 0.9], df=[0.5, 0.1, 0.2]).frame
    errors = choose_errors(frame)
    path = str(dataset / 'original_001.npy')
    items = gallery_items(errors, {'df/1': VideoFile(path), 'df/2': VideoFile('', 'too short')})
    axes = draw_gallery(errors, items, 'run').axes
    assert [ax.get_title(loc='left') for ax in axes] == [
        '0.1000  Deepfakes  df/1',
        '0.2000  Deepfakes  df/2',
        '0.9000  Original  original/1',
    ]
    assert [len(ax.images) for ax in axes] == [1, 0, 0]
    assert [ax.texts[0].get_text() for ax in axes[1:]] == ['too short', 'not in the dataset given']
    # false negatives left, false positives right, the first of each on one line
    boxes = [ax.get_position() for ax in axes]
    assert boxes[0].x0 < boxes[2].x0
    assert boxes[0].y1 >= boxes[2].y0 >= boxes[1].y1
    draw_gallery(choose_errors(frame, top=1), items, 'run')


def test_a_side_without_mistakes_is_not_left_white(make_run):
    frame = make_run('a', 'df', [0.2, 0.3], df=[0.3, 0.1, 0.2, 0.9]).frame
    errors = choose_errors(frame)
    figure = draw_gallery(errors, gallery_items(errors, {}), 'run')
    names = [ax.get_title(loc='left').split('  ')[2] for ax in figure.axes]
    assert names == ['df/1', 'df/2', 'df/0']
    lefts = [round(ax.get_position().x0, 2) for ax in figure.axes]
    assert lefts[0] == lefts[1] < 0.1 < 0.5 < lefts[2]
    head = '\n'.join(text.get_text() for text in figure.texts)
    assert 'False negatives: 3 of 4 manipulated videos\nFalse positives: 0 of 2 originals' in head
    perfect = choose_errors(make_run('a', 'df', [0.2], df=[0.9]).frame)
    assert draw_gallery(perfect, {}, 'run').axes == []


@pytest.mark.parametrize(('given', 'level'), [(None, 0.25), (0.7, 0.7)])
def test_the_threshold_of_the_validation_is_used_and_said(make_run, tmp_path, given, level):
    frame = make_run('a', 'df', [0.2, 0.3, 0.8], df=[0.3, 0.1, 0.9]).frame
    write_scores(frame, tmp_path / 'scores.csv', dict(threshold=0.25))
    gallery = error_gallery(tmp_path / 'scores.csv', tmp_path / 'out', threshold=given)
    source = 'chosen on validation' if given is None else 'given'
    assert gallery.notes[0] == f'threshold {level}, {source}'
    page = gallery.page.read_text()
    assert f'Threshold {level}, {source}.' in page
    wrong = sum(score < level for score in (0.3, 0.1, 0.9))
    assert f'False negatives: {wrong} of 3 manipulated videos' in page


def test_a_threshold_of_other_scores_is_not_used_and_that_is_said(make_run, tmp_path):
    frame = make_run('a', 'df', [0.2, 0.8], df=[0.3, 0.9]).frame
    write_scores(frame, tmp_path / 's.csv', dict(threshold=0.25))
    write_scores_file(frame[1:], tmp_path / 's.csv')
    notes = error_gallery(tmp_path / 's.csv', tmp_path / 'out').notes
    assert notes[0] == 'threshold 0.5, as none is known from validation'
    assert notes[1].startswith('s.json beside s.csv is of other scores')


def test_equal_scores_are_told(make_run, tmp_path):
    make_run('a', 'df', [0.3] * 3, df=[0.3] * 3).frame.to_csv(tmp_path / 's.csv', index=False)
    gallery = error_gallery(tmp_path / 's.csv', tmp_path / 'out')
    assert gallery.notes[-1].startswith('all 6 scores are equal (0.3000): the detector does not')
    assert 'All 6 scores are equal' in gallery.page.read_text()


def test_videos_that_the_dataset_lacks_are_told(dataset, tmp_path, capsys):
    path = tmp_path / 'theirs.csv'
    path.write_text('video,method,label,score\n001,real,0,0.9\n001_002,f2f,1,0.1\n')
    words = [str(path), '--out', str(tmp_path / 'out')]
    assert main([*words, '--index', str(dataset / 'index.csv')]) == 1
    line = capsys.readouterr().out.splitlines()[-2]
    assert line == (
        '2 of 2 videos to be shown are not in the dataset given (f2f/001_002, original/001), whose '
        'ids are such as ffpp/original/c23/001'
    )
    assert main(words) == 0  # no dataset is given


@pytest.mark.filterwarnings('error')
def test_names_are_no_formulas(make_run, tmp_path):
    frame = make_run('a', 'df', [0.9], df=[0.1]).frame
    frame['video'] = ['a$b$_{', 'x$\\frac$']
    errors = choose_errors(frame)
    items = gallery_items(errors, {'x$\\frac$': VideoFile('', 'reason $\\frac$')})
    figure = draw_gallery(errors, items, 'my $\\frac$ run')
    names = [ax.get_title(loc='left').split('  ')[2] for ax in figure.axes]
    assert names == ['x$\\frac$', 'a$b$_{']
    save_figure(figure, tmp_path / 'sheet.png')


def test_a_damaged_file_is_a_tile_with_the_reason(dataset, make_run):
    (dataset / 'bad.mp4').write_bytes(b'no video')
    (dataset / 'bad.npy').write_bytes(b'no array')
    errors = choose_errors(make_run('a', 'df', [0.2], df=[0.1, 0.2]).frame)
    files = {f'df/{i}': VideoFile(str(dataset / f'bad.{x}')) for i, x in enumerate(('mp4', 'npy'))}
    items = gallery_items(errors, files)
    assert all(item.strip is None for item in items.values())
    assert all(item.note.startswith('cannot be read: ') for item in items.values())
    assert {one.note for one in gallery_items(errors, {}).values()} == {
        'give --index or --config to see it'
    }


@pytest.mark.parametrize('name', ['a.mp4', 'a.webm'])
def test_frames_of_a_video_are_those_of_its_length(tmp_path, make_run, name):
    codec = 'libx264' if name == 'a.mp4' else 'libvpx-vp9'
    path = numbered.encode(tmp_path / name, size=(HEIGHT, 150), codec=codec)
    errors = choose_errors(make_run('a', 'df', [0.2], df=[0.1]).frame)
    strip = gallery_items(errors, {'df/0': VideoFile(str(path))}, 4)['df/0'].strip
    shown = [strip[:, left : left + 150] for left in range(0, strip.shape[1], 152)]
    assert [numbered.number_of(picture) for picture in shown] == [0, 13, 26, 39]


def test_videos_of_a_config(smoke, tiny_tree):
    config = str(ROOT / 'configs' / 'mtl' / 'bin_ce_holdout_f2f.py')
    files = files_of_config(config, scale=str(smoke))
    folder = tiny_tree / 'manipulated_sequences' / 'Face2Face' / 'c23' / 'videos'
    shown = {name: file.path for name, file in files.items() if '/f2f/' in name}
    assert shown == {
        f'mini_ffpp/f2f/c23/{stem}': str(folder / f'{stem}.mp4') for stem in ('003_007', '007_003')
    }


def test_index_keeps_the_reason(dataset):
    files = files_of_index(str(dataset / 'index.csv'))
    assert files[id_of('original', '002')].reason == 'no <face> found'
    assert files[id_of('f2f', '001_002')] == VideoFile(str(dataset / 'f2f_001_002.npy'))


@pytest.mark.parametrize(
    ('options', 'part'),
    [
        (dict(threshold=1.5), '--threshold 1.5: use a score'),
        (dict(top=0), '--top and --frames must be at least 1'),
        (dict(index='nowhere.csv'), 'index nowhere.csv'),
        (dict(config='nowhere.py'), 'nowhere.py: no such config file'),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(options, part, scores, tmp_path):
    with pytest.raises(MMFakeError, match=part) as error:
        error_gallery(scores, tmp_path / 'out', **options)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_the_tool_says_where_the_files_are(dataset, scores, command):
    tool, out = ROOT / 'tools' / 'error_gallery.py', dataset / 'out'
    options = ['--index', dataset / 'index.csv', '--top', '1']
    with open(scores, 'a') as stream:
        stream.write(f'{id_of("df", "9")},df,1,None\n')
    done = command('python', tool, scores, '--out', out, *options)
    *notes, last = done.stdout.splitlines()
    assert last == f'wrote {out}/error_gallery.html, {out}/error_gallery.png', done.stderr
    assert notes == [
        'threshold 0.5, as none is known from validation',
        'scored 6 of 7 videos; not scored: 1 (no score in the file x 1: ffpp/df/c23/9)',
    ]
    assert done.returncode == 1  # one has no score; the others are shown


def test_figures_faces_and_videos_need_neither_torch_nor_mmaction2(command):
    modules = [
        'apis.plot_training',
        'apis.error_gallery',
        *('faces.detectors', 'faces.tracking', 'faces.crop', 'faces.search'),
        *('video.frame_reader', 'video.stored_clip', 'video.mp4_file'),
    ]
    program = (
        f'import sys, {", ".join("mmfake." + name for name in modules)}\n'
        "print(sorted({'torch', 'mmaction', 'mmcv', 'decord'} & set(sys.modules)))"
    )
    done = command('python', '-c', program, cwd=ROOT)
    assert done.stdout == '[]\n', done.stderr
