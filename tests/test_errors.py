import pytest

from mmfake.errors import MMFakeError


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('a.csv:3: score is "x"; give a number', 'a.csv:3: score is "x"; give a number'),
        ('two\nlines', r'two\nlines'),
        ('clear\x1b[2Jscreen', r'clear\x1b[2Jscreen'),
        ('next\u2028line', r'next\u2028line'),
        ('na\u00efve \u4eba', 'na\u00efve \u4eba'),
        ('file \udcff', r'file \udcff'),  # a name that could not even be printed
    ],
)
def test_a_message_is_one_line_that_can_be_printed(text, line):
    assert str(MMFakeError(text)) == line


def test_a_long_message_keeps_its_beginning_and_its_end():
    line = str(MMFakeError('index a.csv: ' + 10**6 * 'x' + ': correct it'))
    assert len(line) < 2000
    assert line.startswith('index a.csv: xxx')
    assert line.endswith('xxx: correct it')
