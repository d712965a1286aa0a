"""Trying a loader on mutated files, in a process where crashes, hangs and memory can be seen."""

import contextlib
import io
import os
import resource
import signal
import traceback
import zipfile

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mmfake import MMFakeError

LIMIT_MB = 300  # of memory beyond what the process has at first; the files have some kB
LIMIT_S = 240  # for hundreds of files, that is never by slowness
LONGEST = 2000  # characters of a message

TEXT = [
    *(
        b'\n',
        b'\r',
        b',',
        b'"',
        b'\0',
        b'\xff\xfe',
        b'\xef\xbb\xbf',
        '\u2028'.encode(),
        b"'",
        b'\\',
    ),
    *(b'-1', b'0', b'NaN', b'1e999', b'1e308', b'9' * 25, b'9' * 5000, '\u0665'.encode(), b'used'),
    *(
        b'[' * 30_000,
        b'{"a":' * 30_000,
        b'"\n\n"',
        b'x' * 140_000,
        b'../' * 50,
        b'null',
        b'\x1b[2J',
    ),
]
PICKLE = [
    *(b'\x80\x02', b'cposix\nsystem\n', b'c__builtin__\neval\n', b'cbuiltins\ngetattr\n'),
    *(b'R', b'(', b'.', b'}', b'b', b'0', b'2', b'a', b'u', b's', b'Q', b'\x85', b'\x86'),
    *(b'\x8a\xff' + b'9' * 255, b'(l' * 20_000, b'(' * 50_000, b'I' + b'9' * 5000),
    b'j\xff\xff\xff\xff',
]


@st.composite
def mutations(draw, contents, tokens):
    """One of the contents with one to four mistakes in it."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(['flip', 'truncate', 'insert', 'insert', 'cut', 'double', 'swap'])
        )
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        if kind == 'flip' and start < len(content):
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == 'truncate':
            del content[end:]
        elif kind == 'insert':
            content[start:start] = draw(st.sampled_from(tokens))
        elif kind == 'cut':
            del content[start : min(end, start + 20)]
        elif kind == 'double':
            content[end:end] = content[start:end]
        elif kind == 'swap':  # lines, as a merge or a sort might
            lines = bytes(content).split(b'\n')
            a, b = start % len(lines), end % len(lines)
            lines[a], lines[b] = lines[b], lines[a]
            content = bytearray(b'\n'.join(lines))
    return bytes(content)


def outcome(load, path):
    """Load: well, or with one line; anything else is raised."""
    try:
        load(path)
    except MMFakeError as error:
        told = str(error)
        assert told.isprintable(), f'not one printable line: {told[:300]!r}'
        assert len(told) <= LONGEST, f'{len(told)} characters: {told[:300]!r}'
        return False
    return True


def in_a_process(work):
    """Run in a fork with a time limit, and raise what it raised; gives how memory grew, MB."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.alarm(LIMIT_S)
            before = peak()
            work()
            told = f'{peak() - before:.0f}'
        except BaseException:
            told = traceback.format_exc()
        with contextlib.suppress(BaseException):
            os.write(writer, told.encode(errors='replace')[-60_000:])
        os._exit(0)
    os.close(writer)
    with open(reader, encoding='utf-8', errors='replace') as file:
        told = file.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f'killed by {signal.Signals(status & 127).name}'
    assert told.isdecimal(), told
    return int(told)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz(load, contents, number, folder, tokens=TEXT, name='file', bounded=True):
    """Try a number of mutations of the contents, in bounded memory."""
    path, tried = folder / name, []

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(mutations(contents, tokens))
    def attempt(content):
        path.write_bytes(content)
        tried.append(outcome(load, path))

    def work():
        for content in contents:
            path.write_bytes(content)
            outcome(load, path)
        attempt()
        assert len(tried) >= number
        assert not all(tried), 'none of the mutations was noticed'

    grown = in_a_process(work)
    assert grown < LIMIT_MB or not bounded


def saved(content, legacy=False):
    """What ``torch.save`` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def rewritten(whole, change):
    """The same archive with another pickle in it, ``change(old)``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, 'w') as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith('data.pkl') else content)
    return buffer.getvalue()
