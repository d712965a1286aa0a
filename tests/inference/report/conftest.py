"""Results to report on, made by hand."""

import copy
import io

import numpy as np
import pytest
from PIL import Image

from mmfake.inference.evidence import Strip

HOSTILE = 'videos/<script>alert("x")</script>&.mp4'


def clip(start, score):
    frames = dict(start_frame=int(start * 25), end_frame=int(start * 25) + 31, segment=0)
    return dict(frames, start=start, end=start + 1.28, score=score)


def video(name, verdict, probability, clips, **more):
    person = dict(person=0, verdict=verdict, probability=probability, face_px=120, family=None)
    facts = dict(fps=25.0, width=640, height=360, codec='h264', frames=250, duration=10.0)
    return dict(
        dict(
            video=name,
            verdict=verdict,
            probability=probability,
            status='scored',
            reason='',
            warnings=[],
            family=None,
            people=[dict(person, clips=clips)],
            skipped=[],
            metadata=dict(facts, read_to_end=True),
            seconds=dict(decode=0.5, faces=1.0, model=2.0),
        ),
        **more,
    )


RESULTS = dict(
    schema_version='1.0',
    model=dict(
        mmfake='0.1.0',
        config='bin_ce.py',
        checkpoint='best.pth',
        checkpoint_sha256='ab' * 32,
        trained_on=['df', 'own'],
        held_out='f2f',
    ),
    threshold=0.4,
    threshold_source='validation',
    settings=dict(person='largest', face=True, faces=dict(detector='centerface', size=160)),
    meaning='The number is <no> proof.',
    n_videos=3,
    n_scored=2,
    predictions=[
        video(
            HOSTILE,
            'manipulated',
            0.7,
            [clip(0.0, 0.9), clip(4.0, 0.3), clip(8.72, 0.4)],
            warnings=['truncated & odd'],
            family=dict(likely='df', probabilities=dict(original=0.1, df=0.9)),
            skipped=[dict(start=6.0, end=8.0, status='no-face', reason='"nobody"')],
            annotated='videos/0000_a b.mp4',
        ),
        video('videos/b.mp4', 'original', 0.1, [clip(0.0, 0.1)]),
        video(
            'videos/c.mp4',
            'abstain',
            None,
            [],
            status='no-face',
            reason='found <no> face',
            people=[],
            metadata={},
            seconds={},
        ),
    ],
)


@pytest.fixture
def results():
    return copy.deepcopy(RESULTS)


@pytest.fixture
def strips():
    """Two pictures for the first video."""
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 80, 3), 90, np.uint8)).save(stream, 'JPEG')
    jpeg = stream.getvalue()
    return [
        [
            Strip('highest', 0.9, 0.0, 1.28, 'manipulated', jpeg),
            Strip('lowest', 0.3, 4.0, 5.28, '', jpeg),
        ],
        [],
        [],
    ]
