import io
import pickle
import struct
import zipfile

import pytest
import torch

from mmfake import MMFakeError
from mmfake.compat.checkpoints import safe_load
from mmfake.compat.stored_archive import stored_records


def saved(content, legacy=False):
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def zipped(**records):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name, content in records.items():
            archive.writestr(f'top/{name}', content)
    return buffer.getvalue()


def with_zip64(plain):
    """The same archive with the records of a large one, which miniz writes and Python does not."""
    number, _, size, place = struct.unpack('<HHLL', plain[-14:-2])[:4]
    before = len(plain) - 22
    record = struct.pack('<4sQ2H2L4Q', b'PK\6\6', 44, 45, 45, 0, 0, number, number, size, place)
    locator = struct.pack('<4sLQL', b'PK\6\7', 0, before, 1)
    return plain[:before] + record + locator + plain[before:]


def directory(archive):
    size, place = struct.unpack('<LL', archive[-10:-2])
    return archive[place : place + size]


GOOD = zipped(a=b'one', b=b'')


@pytest.mark.parametrize('whole', [GOOD, with_zip64(GOOD)], ids=['plain', 'zip64'])
def test_the_records_by_name(whole):
    records = stored_records(io.BytesIO(whole))
    assert {name: record.file_size for name, record in records.items()} == dict(a=3, b=0)


def test_of_torch():
    records = stored_records(io.BytesIO(saved(dict(w=torch.zeros(3)))))
    assert records['data/0'].file_size == 12
    assert 'data.pkl' in records


def moved(whole, by):
    """With another place of the directory in the end record, which some readers trust."""
    place = struct.unpack('<L', whole[-6:-2])[0]
    return whole[:-6] + struct.pack('<L', place + by) + whole[-2:]


AMBIGUOUS = dict(
    something_in_front=b'x' * 5 + GOOD,
    something_behind=GOOD + b'x',
    a_comment=GOOD[:-2] + b'\1\0x',
    two_ends=GOOD + GOOD[-22:],
    two_archives=GOOD + zipped(c=b''),
    two_directories=GOOD[:-22] + directory(GOOD) + GOOD[-22:],
    place_before=moved(GOOD, -1),
    place_behind=moved(GOOD, 1),
    locator_points_elsewhere=with_zip64(GOOD)[:-34] + b'\0' * 8 + with_zip64(GOOD)[-26:],
    zip64_record_without_signature=with_zip64(GOOD).replace(b'PK\6\6', b'PK\6\5'),
    case=zipped(data=b'1', DATA=b'2'),
    cut=GOOD[:-1],
    short=b'PK\3\4',
    nothing=b'',
)


@pytest.mark.parametrize('name', AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_refused(name):
    with pytest.raises((pickle.UnpicklingError, zipfile.BadZipFile)):
        stored_records(io.BytesIO(AMBIGUOUS[name]))


def test_a_record_of_two_sizes():
    central = GOOD.rfind(b'PK\1\2', 0, GOOD.rfind(b'PK\1\2'))
    wrong = bytearray(GOOD)
    wrong[central + 24 : central + 28] = struct.pack('<L', 2**30)
    with pytest.raises(pickle.UnpicklingError, match='two sizes'):
        stored_records(io.BytesIO(bytes(wrong)))


def test_of_two_formats_in_a_file_the_one_that_torch_reads_counts(tmp_path):
    """The first bytes tell; Python looks for an archive from the end."""
    path = tmp_path / 'x.pth'
    path.write_bytes(saved(dict(a=1), legacy=True) + saved(dict(a=2)))
    assert safe_load(str(path)) == dict(a=1)
    path.write_bytes(saved(dict(a=2)) + saved(dict(a=1), legacy=True))
    with pytest.raises(MMFakeError, match='not a readable checkpoint'):
        safe_load(str(path))
