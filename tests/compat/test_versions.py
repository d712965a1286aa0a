import pytest

from mmfake import MMFakeError
from mmfake.compat import host as versions


def test_the_installed_host_is_supported():
    versions.check_versions()


@pytest.mark.parametrize(
    ('package', 'found', 'told'),
    [
        ('mmaction2', '1.1.0', r'mmaction2 >= 1\.2, < 1\.3, but 1\.1\.0 is installed'),
        ('mmaction2', '0.24.1', r'but 0\.24\.1 is installed'),
        ('mmcv', '2.2.0', r'mmcv or mmcv-lite >= 2\.0\.0, < 2\.2\.0, but 2\.2\.0 is installed'),
        ('mmengine', '0.9.1', r'mmengine or mmengine-lite >= 0\.10, < 1\.0, but 0\.9\.1'),
        ('torch', '1.13.1+cu117', r'torch >= 2\.0, < 3, but 1\.13\.1\+cu117'),
        ('mmaction2', None, 'but it is not installed; run: pip install'),
    ],
)
def test_another_host_is_refused_in_one_line(monkeypatch, package, found, told):
    real = versions.installed_version
    monkeypatch.setattr(
        versions, 'installed_version', lambda names: found if package in names else real(names)
    )
    with pytest.raises(MMFakeError, match=told) as error:
        versions.check_versions()
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'numbers'), [('2.13.0+cpu', (2, 13, 0)), ('2.0.0rc4', (2, 0, 0)), ('0.10', (0, 10))]
)
def test_numbers(text, numbers):
    assert versions._numbers(text) == numbers
