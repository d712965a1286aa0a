import pandas as pd
import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.foreign_scores import canonical_method, read_foreign_scores
from mmfake.evaluation.scores import write_scores_file

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


def test_a_doubled_column_that_is_not_read_does_no_harm(write):
    path = write(f'{HEADER},frames,frames', '1,df,1,0.5,7,8')
    assert read_foreign_scores(path)['score'].tolist() == [0.5]


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        *(('Deepfakes', 'df'), ('DEEPFAKES', 'df'), ('f2f', 'f2f'), ('Face2Face', 'f2f')),
        *(('Original', 'original'), ('youtube', 'original'), ('FaceShifter', 'fsh')),
        *(('StyleSwap', 'StyleSwap'), ('real', 'real')),
    ],
)
def test_spellings_of_methods(name, key):
    assert canonical_method(name) == key


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([], r':1: no column video, method, label, score in the first line \(nothing\); the first'),
        ([GOOD], r':1: no column .* \(033_097,Deepfakes,1,0.93\); the first line must be a header'),
        (['video,label,score', '1,1,0.5'], ':1: no column method in the first line'),
        ([HEADER.replace(',', ';'), GOOD], ':1: no column .* separated by commas'),
        ([HEADER], 'no video below the header; give one row for each video'),
        ([HEADER, GOOD, '034_1,df,1'], ':3: wrong number of fields'),
        ([HEADER, GOOD + ',7'], ':2: wrong number of fields'),
        ([HEADER, ',df,1,0.5'], ':2: video is empty'),
        ([HEADER, '1, ,1,0.5'], ':2: method is empty'),
        ([HEADER, '1,df,fake,0.5'], ":2: label is 'fake' for video '1'; expected 0 .original. or"),
        ([HEADER, '1,df,0,0.5'], ":2: label is '0' for video '1'; expected 1, since the method"),
        ([HEADER, '1,youtube,1,0.5'], ":2: label is '1' .* expected 0, since .* 'youtube'"),
        ([HEADER, '1,df,1,nan'], ":2: score is 'nan' for video '1'; expected a probability"),
        ([HEADER, '1,df,1,'], ":2: score is ''"),
        ([HEADER, '1,df,1,-0.01'], ":2: score is '-0.01'"),
        ([HEADER, '1,df,1,93.1'], ":2: score is '93.1'"),
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
    with pytest.raises(MMFakeError, match='none of the 2 videos is scored; see their reasons'):
        read_foreign_scores(tmp_path / 'lost.csv')
