"""The page, read as a browser reads it."""

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.report import render_report, write_report

VOID = ('meta', 'link', 'img', 'br', 'rect', 'line')


class Page(HTMLParser):
    """Elements, and the text in them; refuses tags that are not closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

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
    text = ''.join(page.text)
    assert text.count('<script>alert("x")</script>&.mp4') == 2  # in the table and above its section
    assert 'found <no> face' in text
    assert 'The number is <no> proof.' in text


def test_it_says_what_was_found(page):
    text = ''.join(page.text)
    assert '3 videos: 1 manipulated, 1 original, 1 abstain' in text
    assert 'from 0.400 on, chosen on the validation videos' in text
    assert 'Videos are named from videos.' in text
    assert 'no-face: found <no> face' in text
    assert 'Most like Deepfakes' in text
    assert 'trained on Deepfakes, own, Face2Face held out' in text
    assert 'SHA-256 abababababababab' in text
    assert 'Below, brighter where more speaks for manipulated' in text
    assert 'truncated & odd' in text
    assert len([1 for part in page.text if part.startswith('Highest clip')]) == 1


def test_links_lead_somewhere(page):
    identities = {attrs['id'] for _, attrs in page.elements if 'id' in attrs}
    links = [attrs['href'] for attrs in page.all('a')]
    assert {link[1:] for link in links if link.startswith('#')} == identities
    assert 'videos/0000_a%20b.mp4' in links


def test_the_timeline_is_to_scale(page):
    bars = page.all('rect', **{'class': 'clip'})[:3]
    (ground, *_) = page.all('rect', **{'class': 'ground'})
    left, top, width, height = (float(ground[key]) for key in ('x', 'y', 'width', 'height'))
    for bar, start, score in zip(bars, (0.0, 4.0, 8.72), (0.9, 0.3, 0.4)):
        assert float(bar['x']) == pytest.approx(left + width * start / 10, abs=0.1)
        assert float(bar['width']) == pytest.approx(width * 0.128, abs=0.1)
        assert float(bar['height']) == pytest.approx(height * score, abs=0.1)
        assert float(bar['y']) + float(bar['height']) == pytest.approx(top + height, abs=0.1)
    assert [bar['fill'] for bar in bars] == ['#D55E00', '#0072B2', '#D55E00']
    line = page.all('line', **{'class': 'threshold'})[0]
    assert float(line['y1']) == pytest.approx(top + height * 0.6, abs=0.1)
    (gap,) = page.all('rect', **{'class': 'skipped'})
    assert float(gap['x']) == pytest.approx(left + width * 0.6, abs=0.1)
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


def test_in_a_browser(results, strips, tmp_path):
    names = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip('no Chromium is installed: the page is checked by its structure alone')
    write_report(results, strips, tmp_path / 'report.html', 'x')
    flags = ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--v=0']
    place = (tmp_path / 'report.html').as_uri()
    shot = [f'--screenshot={tmp_path / "page.png"}', '--window-size=1000,1600']
    done = subprocess.run(
        [browser, *flags, *shot, place], capture_output=True, text=True, timeout=120
    )
    assert (tmp_path / 'page.png').stat().st_size > 10_000, done.stderr
    assert 'CONSOLE' not in done.stderr
    dumped = subprocess.run(
        [browser, *flags, '--dump-dom', place], capture_output=True, text=True, timeout=120
    )
    assert 'class="timeline"' in dumped.stdout
