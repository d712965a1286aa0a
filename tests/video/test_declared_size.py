from __future__ import annotations

import struct

import pytest

from mmfake.video.frame_converter import declared_size


def box(name, size, body=b''):
    return struct.pack('>I', size) + name + body


@pytest.mark.parametrize(
    ('content', 'size'),
    [
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 500), 516),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 8), 24),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 1, struct.pack('>Q', 5 << 32)), 16 + (5 << 32)),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 0), None),
        (box(b'ftyp', 16, bytes(8)) + bytes(100), None),
        (b'RIFF' + struct.pack('<I', 100) + b'AVI ' + bytes(50), 108),
        (b'RIFF' + struct.pack('<I', 12) + b'AVI ' + bytes(8) + b'RIFF\x64\0\0\0AVIX', 128),
        (b'RIFF' + struct.pack('<I', 100) + b'WAVE', None),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\x40\x64' + bytes(9), 13 + 100),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\x01' + b'\xff' * 7, None),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\xff', None),
        (b'\x1a\x45\xdf\xa3', None),
        (b'FLV\x01\x05' + bytes(20), None),
        (box(b'ftyp', 1, b'\xff' * 8), (1 << 64) - 1),
        (b'\x1a\x45\xdf\xa3\x01\x7f' + bytes(6), None),
        (b'', None),
        (b'\0', None),
    ],
)
def test_size_by_hand(tmp_path, content, size):
    path = tmp_path / 'a'
    path.write_bytes(content)
    assert declared_size(path) == size


@pytest.mark.parametrize('suffix', ['.mp4', '.mov', '.avi', '.mkv'])
def test_whole_file_is_as_long_as_it_says(numbered, tmp_path, suffix):
    path = numbered.encode(tmp_path / f'a{suffix}', count=3, codec='mpeg4')
    assert declared_size(path) == path.stat().st_size
