"""The page, read as a browser reads it, of results made by hand."""

import base64
import copy
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.inference.evidence import Strip
from mmfake.inference.report import render_report, told_of_calibration, write_report

HOSTILE = 'videos/<script>alert("x")</script>&\' onload="y".mp4'


def clip(start, score):
    frames = dict(start_frame=int(start * 25), end_frame=int(start * 25) + 31, segment=0)
    return dict(frames, start=start, end=start + 1.28, score=score)


def video(name, verdict, probability, clips, **more):
    person = dict(person=0, verdict=verdict, probability=probability, face_px=120, family=None)
    facts = dict(fps=25.0, width=640, height=360, codec='h264', frames=250, duration=10.0)
    return dict(
        dict(
            video=name,
            verdict=verdict,
            probability=probability,
            status='scored',
            reason='',
            warnings=[],
            family=None,
            people=[dict(person, clips=clips)],
            skipped=[],
            metadata=dict(facts, read_to_end=True),
            seconds=dict(decode=0.5, faces=1.0, model=2.0),
        ),
        **more,
    )


RESULTS = dict(
    schema_version='1.0',
    model=dict(
        mmfake='0.1.0',
        config='bin_ce.py',
        checkpoint='best.pth',
        checkpoint_sha256='ab' * 32,
        trained_on=['df', 'own'],
        held_out='f2f',
        validation=dict(
            auc=0.9512, low=0.897, high=0.994, n_original=32, n_manipulated=32, threshold=0.4
        ),
    ),
    warnings=['trained on <rendered> faces'],
    threshold=0.4,
    threshold_source='validation',
    settings=dict(person='largest', face=True, faces=dict(detector='centerface', size=160)),
    meaning='The number is <no> proof.',
    n_videos=3,
    n_scored=2,
    predictions=[
        video(
            HOSTILE,
            'manipulated',
            0.7,
            [clip(0.0, 0.9), clip(4.0, 0.3), clip(8.72, 0.4)],
            warnings=['truncated & <odd>'],
            family=dict(likely='df', probabilities=dict(original=0.1, df=0.9)),
            skipped=[dict(start=6.0, end=8.0, status='no-face', reason='"nobody"')],
            annotated='videos/0000_a b.mp4',
        ),
        video('videos/b.mp4', 'original', 0.1, [clip(0.0, 0.1)]),
        video(
            'videos/c.mp4',
            'abstain',
            None,
            [],
            status='no-face',
            reason='found <no> face',
            people=[],
            metadata={},
            seconds={},
        ),
    ],
)


@pytest.fixture
def results():
    return copy.deepcopy(RESULTS)


@pytest.fixture
def strips():
    """Two pictures for the first video."""
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 80, 3), 90, np.uint8)).save(stream, 'JPEG')
    jpeg = stream.getvalue()
    return [
        [
            Strip('highest', 0.9, 0.0, 1.28, 'manipulated', jpeg),
            Strip('lowest', 0.3, 4.0, 5.28, '', jpeg),
        ],
        [],
        [],
    ]


VOID = ('meta', 'link', 'img', 'br', 'rect', 'line')


class Page(HTMLParser):
    """Elements, and the text in them; refuses tags that are not closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(source)
        self.close()
        assert self.open == []
        self.shown = ' '.join(''.join(self.text).split())  # as a browser shows it

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag == 'rect':  # one with a title in it
            return
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag, **wanted):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and wanted.items() <= attrs.items()
        ]


@pytest.fixture
def source(results, strips):
    return render_report(results, strips, 'a way to see')


@pytest.fixture
def page(source):
    return Page(source)


def test_it_needs_no_other_file_and_runs_nothing(source, page):
    assert not page.all('script')
    assert not page.all('iframe')
    sources = [attrs['src'] for attrs in page.all('img')]
    assert len(sources) == 2
    for data in sources:
        head, content = data.split(',')
        assert head == 'data:image/jpeg;base64'
        assert base64.b64decode(content, validate=True)[:2] == b'\xff\xd8'
    assert [attrs['href'] for attrs in page.all('link')] == ['data:,']
    assert not re.search(r'url\(|@import|https?://', source)
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith('on')]
    (policy,) = page.all('meta', **{'http-equiv': 'Content-Security-Policy'})
    assert policy['content'].startswith("default-src 'none'")


def test_names_cannot_become_markup(source, page):
    assert '<script>' not in source
    assert '<no>' not in source
    text = page.shown
    assert text.count(HOSTILE[7:]) == 2  # in the table and above its section
    assert 'found <no> face' in text
    assert 'The number is <no> proof.' in text


def test_it_says_what_was_found(page):
    text = page.shown
    assert '3 videos: 1 manipulated, 1 original, 1 abstain' in text
    assert 'from 0.400 on, chosen on validation' in text
    assert 'Paths are relative to videos.' in text
    assert 'On its 64 validation videos this detector had AUC 0.951 [0.897, 0.994].' in text
    assert 'trained on <rendered> faces' in text
    assert 'no-face: found <no> face' in text
    assert 'Most like Deepfakes' in text
    assert 'trained on Deepfakes, own, Face2Face held out' in text
    assert 'SHA-256 abababababababab' in text
    assert 'Below, brighter where more speaks for manipulated' in text
    assert 'truncated & <odd>' in text
    assert len([1 for part in page.text if part.startswith('Highest clip')]) == 1


@pytest.mark.parametrize(
    ('auc', 'threshold', 'validation'),
    [
        (None, 'the default, as the checkpoint has none', 'How good this detector was'),
        (0.52, 'the default, as validation was no better than chance', 'had AUC 0.520 [0.400,'),
    ],
)
def test_without_a_threshold_of_validation_it_says_why(results, strips, auc, threshold, validation):
    results.update(threshold=0.5, threshold_source='default', warnings=[])
    results['model']['validation'].update(auc=auc, low=0.4, threshold=None)
    if auc is None:
        del results['model']['validation']
    page = Page(render_report(results, strips, 'x'))
    assert f'from 0.500 on, {threshold}' in page.shown
    assert validation in page.shown
    assert not page.all('p', **{'class': 'alarm'})


@pytest.mark.parametrize(
    ('probabilities', 'told'),
    [((0.7, 0.1), None), ((0.5, 0.499), None), ((0.4, 0.1), 1), ((0.49, 0.5), 2)],
)
def test_verdicts_on_the_other_side_of_the_calibrated_probability_are_told(
    results, probabilities, told
):
    results['model']['calibration'] = dict(temperature=2.0)
    for video, calibrated in zip(results['predictions'], (*probabilities, None)):
        video['calibrated'] = calibrated  # called manipulated, original, abstain
    text = told_of_calibration(results)
    assert ('point to different sides' in text) == bool(told)
    if told:
        assert f' Of {told} of the 2 videos verdict and ' in text
        assert 'between the threshold, 0.400, which decides the verdict, and 0.5' in text


def test_links_lead_somewhere(page):
    identities = {attrs['id'] for _, attrs in page.elements if 'id' in attrs}
    links = [attrs['href'] for attrs in page.all('a')]
    assert {link[1:] for link in links if link.startswith('#')} == identities
    assert 'videos/0000_a%20b.mp4' in links


def test_the_timeline_is_to_scale(page):
    bars = page.all('rect', **{'class': 'clip'})[:3]
    (ground, *_) = page.all('rect', **{'class': 'ground'})
    width, height = float(ground['width']), float(ground['height'])  # the origin of the plot
    for bar, start, score in zip(bars, (0.0, 4.0, 8.72), (0.9, 0.3, 0.4)):
        assert float(bar['x']) == pytest.approx(width * start / 10, abs=0.1)
        assert float(bar['width']) == pytest.approx(width * 0.128, abs=0.1)
        assert float(bar['height']) == pytest.approx(height * score, abs=0.1)
        assert float(bar['y']) + float(bar['height']) == pytest.approx(height, abs=0.1)
    painted = [re.search('--([a-z]+)', bar['style']).group(1) for bar in bars]
    assert painted == ['manipulated', 'original', 'manipulated']
    line = page.all('line', **{'class': 'threshold'})[0]
    assert float(line['y1']) == pytest.approx(height * 0.6, abs=0.1)
    (gap,) = page.all('rect', **{'class': 'skipped'})
    assert float(gap['x']) == pytest.approx(width * 0.6, abs=0.1)
    assert all(attrs['aria-label'] for attrs in page.all('svg'))
    assert all(attrs['alt'] for attrs in page.all('img'))


def test_written_whole_or_told(results, strips, tmp_path):
    write_report(results, strips, tmp_path / 'deep' / 'report.html', 'x')
    Page((tmp_path / 'deep' / 'report.html').read_text())
    results['predictions'][1]['video'] = 'videos/\udce4.mp4'  # a name that is no valid text
    write_report(results, strips, tmp_path / 'report.html', 'x')
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match='the report cannot be written'):
        write_report(results, strips, tmp_path / 'file' / 'report.html', 'x')
