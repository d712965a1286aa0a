"""What classes take, refuse and swallow, against what they do when they are built."""

import pytest
from mmaction.registry import HOOKS, TRANSFORMS

from mmfake.engine.arguments import arguments_of, find_class, hint, is_swallowed


class Takes:
    def __init__(self, wide=1):
        self.wide = wide


class Swallows:
    def __init__(self, wide=1, **kwargs):
        self.wide = wide


class PassesOn(Takes):
    def __init__(self, deep=1, **kwargs):
        super().__init__(**kwargs)


class PassesOnToOneThatSwallows(Swallows):
    def __init__(self, deep=1, **kwargs):
        super().__init__(**kwargs)


class Keeps:
    def __init__(self, **others):
        self.others = others


class KeepsInside:
    def __init__(self, **others):
        self.later = lambda: others


@pytest.mark.parametrize(
    'cls', [Takes, Swallows, PassesOn, PassesOnToOneThatSwallows, Keeps, KeepsInside]
)
@pytest.mark.parametrize('name', ['wide', 'deep', 'wdie'])
def test_swallowed_is_what_is_taken_and_nowhere_found(cls, name):
    try:
        built = cls(**{name: 'marked'})
    except TypeError:
        swallowed = False  # Python tells
    else:
        kept = [*vars(built).values(), *getattr(built, 'others', {}).values()]
        kept += built.later().values() if cls is KeepsInside else []
        swallowed = 'marked' not in kept and name not in ('deep',)
    if name == 'deep' and cls is Swallows:
        swallowed = True
    assert is_swallowed(cls, name) == swallowed


@pytest.mark.parametrize(
    ('kind', 'name', 'swallowed'),
    [
        ('SampleFrames', 'clip_length', True),
        ('SampleFrames', 'clip_len', False),
        ('DenseSampleFrames', 'clip_length', True),  # hands it on to SampleFrames
        ('DecordInit', 'client_options', False),  # for the file client
        ('mmfake.VideoInit', 'num_threads', False),
        ('Flip', 'flip', False),  # refused by Python itself
    ],
)
def test_transforms_of_the_host(kind, name, swallowed):
    assert is_swallowed(find_class(kind, [TRANSFORMS]), name) == swallowed


def test_names():
    assert find_class('NoSuchThing', [TRANSFORMS]) is None
    assert find_class('mmfake.NoSuchThing', [TRANSFORMS]) is None
    assert find_class('LoggerHook', [TRANSFORMS, HOOKS]).__name__ == 'LoggerHook'
    assert arguments_of(PassesOn) == ['deep', 'wide']
    assert hint('wdie', ['deep', 'wide']) == '; did you mean wide?'
    assert hint('x', ['deep', 'wide']) == ''
    assert hint('wide', ['wide', 'deep']) == ''  # of a class it inherits from
