import subprocess
import sys
from pathlib import Path

import mmaction
import pytest


def test_the_stand_in_serves_the_released_wheel_and_refuses_to_be_built():
    from mmaction.models.localizers import DRN

    if Path(mmaction.__file__).parent.joinpath('models/localizers/drn').is_dir():
        pytest.skip(reason='this mmaction2 ships DRN, so nothing stands in for it')
    with pytest.raises(ImportError, match='install mmaction2 from source'):
        DRN()


def test_inactive_where_the_host_is_whole(tmp_path):
    """A host tree WITH the folder, in a process of its own."""
    folder = tmp_path / 'mmaction' / 'models' / 'localizers' / 'drn'
    folder.mkdir(parents=True)
    for package in (tmp_path / 'mmaction', folder.parents[1], folder.parent, folder):
        (package / '__init__.py').touch()
    source = Path(__file__).parents[2] / 'mmfake' / 'compat' / 'localizers.py'
    code = (
        f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
        f'exec(open({str(source)!r}).read())\n'
        'print(repair_missing_drn(), "mmaction.models.localizers.drn" in sys.modules)'
    )
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ['False', 'False']
