import pandas as pd
import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.foreign_scores import (
    read_foreign_scores,
    refuse_unaveraged,
    told_of_copies,
    told_of_parts,
)
from mmfake.evaluation.scores_file import write_scores_file

HEADER = 'video,method,label,score'
GOOD = '033_097,Deepfakes,1,0.93'


@pytest.fixture
def write(tmp_path):
    def write(*lines, encoding='utf-8'):
        path = tmp_path / 'scores.csv'
        path.write_text('\n'.join(lines), encoding=encoding)
        return path

    return write


def test_a_file_of_somebody_else(write):
    path = write(
        'score,frames,video,method,label',
        '0.93,32,033_097,Deepfakes,1',
        '0.12, 32 , 033 ,youtube,0',
        '0.5,32,033_097,FaceSwap,1',  # the same name by another method is another video
        '1,32,ff/sbi/033_097,sbi,1',
        '0,32,Celeb-real/id0,Celeb-real,0',
    )
    frame = read_foreign_scores(path)
    found = [*zip(frame['video'], frame['method'], frame['label'], frame['score'])]
    assert found == [
        ('Celeb-real/id0', 'Celeb-real', 0, 0.0),
        ('df/033_097', 'df', 1, 0.93),
        ('ff/sbi/033_097', 'sbi', 1, 1.0),
        ('fs/033_097', 'fs', 1, 0.5),
        ('original/033', 'original', 0, 0.12),
    ]
    assert set(frame['status']) == {'scored'}


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
def test_a_file_of_ours(make_frame, tmp_path, encoding):
    frame = make_frame([[0.1, 0.2], [0.8]])
    write_scores_file(frame, tmp_path / 'a.csv')
    (tmp_path / 'b.csv').write_text((tmp_path / 'a.csv').read_text(), encoding=encoding)
    pd.testing.assert_frame_equal(read_foreign_scores(tmp_path / 'b.csv'), frame)


@pytest.mark.parametrize('more', ['', ',clips,status,reason'])
def test_both_kinds_of_file_are_checked_alike(more, write):
    tail = ',4,scored,' if more else ''

    def read(*rows):
        lines = [HEADER + more, *(row + tail for row in rows)]
        return read_foreign_scores(write(*lines))

    frame = read('033,Original,0,0.1', '033,Deepfakes,1,0.9', '034,sbi,0,0.5')
    assert frame['method'].tolist() == ['df', 'original', 'sbi']
    assert frame['video'].tolist() == ['df/033', 'original/033', 'sbi/034']
    for row, part in (
        ('033,Original,1,0.1', "label is '1' for video '033'; expected 0, since the method"),
        ('033,Deepfakes,0,0.1', "label is '0' for video '033'; expected 1, since the method"),
    ):
        with pytest.raises(MMFakeError, match=part):
            read(row)
    with pytest.raises(MMFakeError, match="video '1' of method 'df' was already in line 2"):
        read('df/1,df,1,0.5', '1,df,1,0.6')
    with pytest.raises(MMFakeError, match=':1: column score is there twice'):
        read_foreign_scores(write(f'{HEADER}{more},score', f'1,df,1,0.5{tail},0.6'))


@pytest.mark.parametrize(
    ('header', 'separator'),
    [
        *((HEADER, ','), ('video, method, label, score', ','), ('Video,METHOD,Label,Score', ',')),
        *((HEADER, '\t'), (' video ;method;label; score', ';')),
    ],
)
@pytest.mark.parametrize(
    'labels', [('0', '1'), ('0.0', '1.0'), ('False', 'True'), ('REAL', 'fake'), ('original', '1')]
)
def test_spellings_of_header_and_labels(write, header, separator, labels):
    rows = [f'033,real,{labels[0]},0.25', f'033_097,Deepfakes,{labels[1]},0.75']
    lines = [line.replace(',', separator) for line in (header, *rows, ',,,')]
    frame = read_foreign_scores(write(*lines, encoding='utf-8-sig'))
    found = [*zip(frame['video'], frame['label'], frame['score'])]
    assert found == [('df/033_097', 1, 0.75), ('original/033', 0, 0.25)]


def test_a_decimal_comma_is_a_number(write):
    path = write('video;method;label;score', '1;df;1;0,75', '2;df;1;1')
    assert read_foreign_scores(path)['score'].tolist() == [0.75, 1.0]


@pytest.mark.parametrize('more', ['', ',clips,status,reason'])
@pytest.mark.parametrize('score', ['', 'nan', 'NaN', 'None', 'NA', 'no face'])
def test_a_video_without_a_score_is_counted_and_the_others_are_read(write, score, more):
    tail = ',4,scored,' if more else ''
    rows = [f'{i},df,1,{score if i == 1 else 0.5}{tail}' for i in range(3)]
    frame = read_foreign_scores(write(HEADER + more, *rows))
    assert frame['status'].tolist() == ['scored', 'not-scored', 'scored']
    word = "'no face' in place of a score" if score == 'no face' else 'no score in the file'
    assert frame['reason'].tolist() == ['', word, '']


@pytest.mark.parametrize('methods', [('df', 'f2f', 'FaceSwap', 'nt'), ('sbi',)])
def test_exchanged_columns_are_refused(write, methods):
    rows = [f'{i:03d},real,0,0.5' for i in range(5)]
    rows += [f'{i:03d}_9,{method},1,0.5' for method in methods for i in range(5)]
    lines = [HEADER, *rows]
    assert len(read_foreign_scores(write(*lines))) == len(rows)
    lines[0] = 'method,video,label,score'
    with pytest.raises(MMFakeError, match=f'10 methods in {len(rows)} rows .*method exchanged'):
        read_foreign_scores(write(*lines))


def test_videos_as_methods_are_refused(write):
    def rows(n):
        return [f'{i},method_{i},1,0.5' for i in range(n)]

    assert len(read_foreign_scores(write(HEADER, *rows(9)))) == 9
    with pytest.raises(MMFakeError, match='10 methods in 10 rows .method_0, method_1, '):
        read_foreign_scores(write(HEADER, *rows(10)))


METHODS = [(0, 'real'), (1, 'df')]
FRAMES = ['{video}/{place:03d}.png', '{video}_{place}.JPG', '{video}_frame_{place:04d}', '{video}']


@pytest.mark.parametrize('form', FRAMES)
def test_rows_of_frames_are_refused_or_averaged(write, form):
    rows = []
    for video, method, label in (('033', 'real', 0), ('033_097', 'df', 1), ('033_097', 'fs', 1)):
        for place in range(4):
            score = '' if (method, place) == ('fs', 3) else (place + 1) / (8 if label else 16)
            rows.append(f'{form.format(video=video, place=place)},{method},{label},{score}')
    path = write(HEADER, *rows)
    with pytest.raises(MMFakeError, match='add --average-frames') as caught:
        read_foreign_scores(path)
    if form != FRAMES[-1]:
        assert '12 rows look like frames of 3 videos (' in str(caught.value)
    frame = read_foreign_scores(path, average_frames=True)
    assert frame['video'].tolist() == ['df/033_097', 'fs/033_097', 'original/033']
    assert frame['score'].tolist() == [10 / 4 / 8, 6 / 3 / 8, 10 / 4 / 16]
    assert frame['clips'].tolist() == [4, 3, 4]
    assert frame['reason'][1] == '1 of 4 samples not used: no score in the file'


PICTURES = [
    '{video}/{place}_0.png',  # DFDC: frame and face
    '{video}/frame_{place:05d}_face_0.png',
    *(f'{{video}}{form}.png' for form in ('/f{place}', ' {place}', '.{place}', '_t{place}.0')),
    '{video}/{place}.5.png',
    '{video}_{place}.png',
    'crops/{method}/{video}/{place:03d}.png',
    'crops/{video}/{method}/{place:03d}.png',
    r'crops\{method}\{video}\{place:03d}.png',
]
PARTS = ['{video}/{place:04d}', '{video}/{place}.npy', '{video}#{place}', '{video}:{place}']
PARTS += ['{video}@{place}.0s', '{video}_clip{place}.mp4', 'crops/{method}/{video}/{place}']


@pytest.mark.parametrize('form', [*PICTURES, *PARTS])
def test_every_usual_name_of_frames(write, form):
    wanted, rows = {}, []
    for number in range(12):
        for method, stem in (('real', f'{number:03d}'), ('df', f'{number:03d}_{number + 1:03d}')):
            scores = [(number + place) / 32 for place in range(4)]
            for place, score in enumerate(scores):
                name = form.format(video=stem, method=method, place=place)
                rows.append(f'{name},{method},{int(method == "df")},{score}')
            wanted[stem] = sum(scores) / 4
    path = write(HEADER, *rows)

    frame = read_foreign_scores(path, average_frames=True)
    found = {
        next(part for part in video.split('/') if part[0].isdigit()): score
        for video, score in zip(frame['video'], frame['score'])
    }
    assert found == wanted
    assert len(frame) == 24

    if form in PICTURES:
        with pytest.raises(MMFakeError, match='96 rows look like frames of 24 videos'):
            read_foreign_scores(path)
    else:
        told = told_of_parts(read_foreign_scores(path))
        assert told.startswith('96 rows are named as parts of 24 videos')


def test_a_picture_of_each_video_in_the_folder_of_its_method(write):
    rows = [f'{method}/{i:03d}.png,{method},{m},0.5' for i in range(9) for m, method in METHODS]
    assert len(read_foreign_scores(write(HEADER, *rows))) == 18
    assert len(read_foreign_scores(write(HEADER, *rows), average_frames=True)) == 18
    named = [row.replace('.png', '_face.png') for row in rows]
    assert len(read_foreign_scores(write(HEADER, *named))) == 18
    assert len(read_foreign_scores(write(HEADER, *named), average_frames=True)) == 18


def test_several_faces_in_most_frames_are_at_least_told(write):
    rows = [
        f'{i:03d}/{place}_{face}.png,{method},{m},0.5'
        for i in range(9)
        for m, method in METHODS
        for place in range(4)
        for face in range(2)
    ]
    frame = read_foreign_scores(write(HEADER, *rows), average_frames=True)
    assert told_of_parts(frame).startswith('72 rows are named as parts of 18 videos')


@pytest.mark.parametrize('form', ['{0}_{1}', 'id{0}_id{1}_0000', '{0}_{1}.mp4', 'x/{0}_{1}'])
def test_frames_that_no_name_tells_are_not_averaged_in_silence(write, form):
    rows = [
        f'{form.format(f"{i // 2:03d}", f"{i:03d}")},{method},{m},0.5'
        for i in range(20)
        for m, method in METHODS
    ]
    path = write(HEADER, *rows)
    frame = read_foreign_scores(path, average_frames=True)
    assert len(frame) == len(rows)  # a bare number is no frame: FaceForensics++, Celeb-DF
    name = form.format('000', '001').replace('.mp4', '')
    with pytest.raises(MMFakeError, match='scores.csv: no two rows are of one video') as caught:
        refuse_unaveraged([frame, frame], [path, path])
    assert f'{name}); name rows VIDEO/FRAME.png' in str(caught.value)
    twice = read_foreign_scores(write(HEADER, *rows, *rows), average_frames=True)
    refuse_unaveraged([frame, twice], [path, path])  # videos beside frames


def test_one_frame_a_video_is_a_video(write):
    frame = read_foreign_scores(write(HEADER, '033/000.png,real,0,0.5', '034/000.png,real,0,0.5'))
    assert len(frame) == 2


def test_a_name_with_the_suffix_of_a_video_is_that_video(write):
    rows = ['video,method,label,score', '000.mp4,original,0,0.1', '000_001.MP4,FF-F2F,1,0.9']
    frame = read_foreign_scores(write(*rows))
    assert {tuple(row) for row in frame[['video', 'method']].values} == {
        *(('original/000', 'original'), ('f2f/000_001', 'f2f')),
    }
    with pytest.raises(MMFakeError, match="video '000' of method 'original' was already in line 2"):
        read_foreign_scores(write(*rows, '000,original,0,0.2'))


@pytest.mark.parametrize(
    'form', ['{}.mp4/0001.png', '{}.MP4_frame_1', '{}.avi/1_0.png', '{}.mp4#1', '{}']
)
def test_a_frame_of_a_file_of_a_video_is_of_that_video(write, form):
    rows = [
        f'{form.format(f"{i:03d}").replace("1", str(k))},df,1,0.5' for i in (0, 2) for k in '34'
    ]
    frame = read_foreign_scores(write(HEADER, *rows), average_frames=True)
    assert frame['video'].tolist() == ['df/000', 'df/002']


def test_our_ids_are_no_frames(write):
    rows = [f'ffpp/df/c23/{i:03d},df,1,0.5' for i in range(9)]
    assert len(read_foreign_scores(write(HEADER, *rows))) == 9


def test_frames_of_one_video_must_agree_on_the_label(write):
    path = write(HEADER, '1/0.png,sbi,0,0.5', '1/1.png,sbi,1,0.5')
    with pytest.raises(MMFakeError, match="scores.csv: video 'sbi/1' has contradicting labels"):
        read_foreign_scores(path, average_frames=True)


def test_a_doubled_column_that_is_not_read_does_no_harm(write):
    path = write(f'{HEADER},frames,frames', '1,df,1,0.5,7,8')
    assert read_foreign_scores(path)['score'].tolist() == [0.5]


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([], r':1: no column video, method, label, score in the first line \(nothing\); the first'),
        ([GOOD], r':1: no column .* \(033_097,Deepfakes,1,0.93\); the first line must be a header'),
        (['video,label,score', '1,1,0.5'], ':1: no column method in the first line'),
        ([HEADER.replace(',', '|'), GOOD], ':1: no column .* separated by commas, tabs or semi'),
        ([HEADER.replace(',', ';'), GOOD], ':2: wrong number of fields'),
        ([f'{HEADER},Score', GOOD + ',0.5'], ':1: column score is there twice'),
        ([HEADER], 'no video below the header; give one row for each video'),
        ([HEADER, GOOD, '034_1,df,1'], ':3: wrong number of fields'),
        ([HEADER, GOOD + ',7'], ':2: wrong number of fields'),
        ([HEADER, ',df,1,0.5'], ':2: video is empty'),
        ([HEADER, '1, ,1,0.5'], ':2: method is empty'),
        ([HEADER, '1,df,2,0.5'], ":2: label is '2' for video '1'; expected 0 .original. or"),
        ([HEADER, '1,df,Real,0.5'], ":2: label is '0' for video '1'; expected 1, since the method"),
        ([HEADER, '1,df,0,0.5'], ":2: label is '0' for video '1'; expected 1, since the method"),
        ([HEADER, '1,youtube,1,0.5'], ":2: label is '1' .* expected 0, since .* 'youtube'"),
        ([HEADER, '1,df,1,nan'], 'no video has a score: .*no score in the file x 1: df/1'),
        ([HEADER, '1,df,1,-2.5'], ":2: score is '-2.5' .* put logits through a sigmoid"),
        ([HEADER, '1,df,1,93.1'], ":2: score is '93.1' .*: divide percentages by 100"),
        ([HEADER, GOOD, '1,df,1,9 %'], ":3: score is '9 %' .*: divide percentages by 100"),
        ([HEADER, '1,df,1,inf'], ":2: score is 'inf'"),
        ([HEADER, GOOD, '2,df,1,0.1', '033_097,df,1,0.2'], ":4: video '033_097' of .* in line 2"),
        ([HEADER, '1,df,1,"0.5'], 'not a readable file of scores'),
    ],
)
def test_each_mistake_is_one_line(write, lines, message):
    path = write(*lines)
    with pytest.raises(MMFakeError, match=message) as caught:
        read_foreign_scores(path)
    assert str(caught.value).startswith(str(path))
    assert '\n' not in str(caught.value)


def test_files_that_cannot_be_read(write, tmp_path, make_frame):
    with pytest.raises(
        MMFakeError, match=r'none.csv: .* \(No such file or directory\); expected a CSV'
    ):
        read_foreign_scores(tmp_path / 'none.csv')
    with pytest.raises(MMFakeError, match='not a readable file of scores'):
        read_foreign_scores(write(HEADER, 'ü,df,1,0.5', encoding='latin-1'))
    frame = make_frame([[0.1], [0.8]]).assign(status='not-scored', score=None, reason='gone')
    write_scores_file(frame, tmp_path / 'lost.csv')
    with pytest.raises(MMFakeError, match=r'no video has a score: .*2 \(gone x 2: ffpp/df'):
        read_foreign_scores(tmp_path / 'lost.csv')


@pytest.mark.parametrize(
    ('name', 'n', 'told'),
    [
        ('{video}/{part}', 12, '000/0, 000/1'),
        ('{video}_clip{part}', 12, '000_clip0, 000_clip1'),
        ('{video}/{part}', 3, ''),  # as likely folders
        ('{part}{video}', 12, ''),
        ('{video}_{part}', 12, ''),  # as FaceForensics++ names a fake
        ('mine/original/c23/{part}{video}', 12, ''),
    ],
)
def test_rows_that_may_be_frames_or_clips_are_told(name, n, told, write):
    rows = [
        f'{name.format(video=f"{video:03d}", part=part)},{method},{label},0.5'
        for video in range(n)
        for part in range(2)
        for label, method in enumerate(('original', 'df'))
    ]
    rows = [row for row in rows if 'mine' not in name or ',original,' in row]
    found = told_of_parts(read_foreign_scores(write(HEADER, *rows)))
    assert bool(found) == bool(told)
    if told:
        first, second = told.split(', ')
        assert f'{4 * n} rows are named as parts of {2 * n} videos (' in found
        assert f'/{first}, ' in found
        assert f'/{second}): if they are frames' in found


@pytest.mark.parametrize(
    ('n', 'score', 'told'),
    [
        (20, lambda folder, i: (i + 1) / 64, True),
        (20, lambda folder, i: round(i / 64, 1), True),
        (20, lambda folder, i: ((folder if i < 8 else 0) + i + 1) / 64, True),  # most
        (20, lambda folder, i: ((folder if i < 12 else 0) + i + 1) / 64, False),
        (20, lambda folder, i: (20 * folder + i + 1) / 128, False),  # numbered in each folder
        (20, lambda folder, i: 0.5, False),
        (20, lambda folder, i: float(i < 4), False),  # decisions, not scores
        (3, lambda folder, i: (i + 1) / 64, False),
    ],
)
def test_videos_that_are_there_once_a_folder_are_told(write, n, score, told):
    rows = [
        row
        for folder in range(3)
        for i in range(n)
        for row in (
            f'results/{folder}_test/real/{i:03d}.mp4,real,0,{score(folder, i)}',
            f'results/{folder}_test/fake/{i:03d}_{folder}.mp4,df,1,{score(folder, i)}',
        )
    ]
    found = told_of_copies(read_foreign_scores(write(HEADER, *rows)))
    assert len(found) == told
    if told:
        n_same = sum(score(0, i) == score(1, i) for i in range(n))
        assert f'{3 * n_same} rows of original look like {n_same} videos' in found[0]
        assert '0_test/original/' in found[0]
        assert '1_test/original/' in found[0]
