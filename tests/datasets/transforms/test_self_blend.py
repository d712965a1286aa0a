"""Self-blended clips: nothing but the face changes, and nothing else tells them."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmfake.datasets.transforms import self_blend
from mmfake.datasets.transforms.attribute_forgery import AttributeForgery
from mmfake.datasets.transforms.recompress import Recompress
from mmfake.datasets.transforms.self_blend import SelfBlend
from mmfake.errors import MMFakeError
from mmfake.faces.clip_points import read_points


@pytest.fixture
def masks(monkeypatch):
    """The opacities of the clip that is blended, (T, H, W), as the transform lays them down."""
    seen = []

    def keep(frames, parts, places, strength):
        laid = np.zeros((len(frames), *frames[0].shape[:2]), np.float32)
        for mask, place in zip(laid, places):
            if place is not None:
                mask[place.rows, place.columns] = strength * place.mask
        seen.append(laid)
        return blend(frames, parts, places, strength)

    blend = self_blend.blend
    monkeypatch.setattr(self_blend, 'blend', keep)
    return seen


def test_outside_the_mask_no_bit_changes_and_within_it_many_do(make_sample, apply, masks):
    changed = []
    for seed in range(30):
        sample = make_sample('sbi', seed)
        before = np.stack(copy.deepcopy(sample['imgs']))
        after = apply(SelfBlend(), sample, seed)
        assert (np.stack(sample['imgs']) == before).all(), 'the frames given are not changed'
        differs = (after != before).any(axis=-1)
        assert not differs[masks[-1] == 0].any()
        changed.append(differs[masks[-1] > 0.2].mean())
    assert np.mean(changed) > 0.5
    assert min(changed) > 0


def test_the_mask_lies_on_the_face_and_moves_with_it(make_sample, apply, masks):
    for seed in range(20):
        sample = make_sample('sbi', seed, frames=9)
        apply(SelfBlend(regions=dict(face=1)), sample, seed)
        first, last = masks[-1][0], masks[-1][-1]
        rows, columns = np.mgrid[:96, :96]
        centres = [np.average(columns, weights=mask) for mask in (first, last)]
        assert centres[1] - centres[0] == pytest.approx(8, abs=0.3), 'as the points do'
        # between the eyes and the mouth of FACE, give or take the shift that is drawn
        assert centres[0] == pytest.approx(48, abs=6)
        assert np.average(rows, weights=first) == pytest.approx(0.57 * 96, abs=8)


def test_a_still_face_has_a_still_mask_and_a_still_blend(make_sample, apply, masks):
    for seed in range(10):
        after = apply(SelfBlend(), make_sample('sbi', seed, still=True), seed)
        assert np.abs(np.diff(masks[-1], axis=0)).max() == 0
        assert (after == after[0]).all(), 'nothing is drawn anew from frame to frame'


def test_the_seed_alone_decides(make_sample, apply):
    sample, transform = make_sample('sbi'), SelfBlend()
    first = apply(transform, sample, 7)
    apply(transform, make_sample('sbi', 5), 1)
    assert (apply(copy.deepcopy(transform), sample, 7) == first).all()
    assert (apply(transform, sample, 8) != first).any()


def test_no_strength_gives_the_original_and_other_methods_pass(make_sample, apply):
    sample = make_sample('sbi')
    assert (apply(SelfBlend(strengths=(0,)), sample) == np.stack(sample['imgs'])).all()
    for method in ('original', 'df', 'physeye'):
        sample = make_sample(method)
        del sample['points']
        assert (apply(SelfBlend(), sample) == np.stack(sample['imgs'])).all()
    black = dict(make_sample('sbi'), unreadable='no frame')
    assert (apply(SelfBlend(), black) == np.stack(black['imgs'])).all()


def test_a_face_outside_the_picture_is_not_taken_for_blended(make_sample, apply):
    sample = make_sample('sbi')
    np.save(sample['points'], np.load(sample['points']) + 500)
    read_points.cache_clear()
    with pytest.raises(ValueError, match='the face is outside the picture'):
        apply(SelfBlend(), sample)


def test_an_original_and_its_blend_stay_in_step(make_sample):
    """What later transforms draw, such as crop and flip, is the same for both."""
    draws = []
    for method in ('original', 'sbi'):
        np.random.seed(4)
        SelfBlend()(make_sample(method))
        draws.append(np.random.uniform(size=5))
    assert (draws[0] == draws[1]).all()


def test_parts_and_faces_come_in_their_shares(make_sample, apply, masks):
    for seed in range(100):
        apply(SelfBlend(strengths=(1,)), make_sample('sbi', frames=1), seed)
    # at the cheeks, which no part reaches
    cheek = [mask[0, 54, 30] > 0.05 or mask[0, 54, 66] > 0.05 for mask in masks]
    assert 0.42 < np.mean(cheek) < 0.78
    masks.clear()
    for seed in range(30):
        apply(SelfBlend(regions=dict(parts=1), strengths=(1,)), make_sample('sbi', frames=1), seed)
    assert not any(mask[0, 54, 28] > 0.05 for mask in masks)


@pytest.mark.parametrize(
    ('textures', 'sharper'), [(dict(pixels=(3, 6)), False), (dict(sharpen=(0.5, 1.5)), True)]
)
def test_the_textures_named_are_the_ones_made(make_sample, apply, textures, sharper):
    still = dict(shift=(0, 0), scale=(1, 1), elastic=0, prob_colour=0, strengths=(1,))
    transform = SelfBlend(dict(face=1), **still, prob_sharpness=1, textures=textures, radius=2)
    for seed in range(8):
        sample = make_sample('sbi', seed, frames=1)
        fine = [
            np.abs(cv2.Laplacian(frames[0][40:64, 36:60].astype(np.float32), cv2.CV_32F)).mean()
            for frames in (sample['imgs'], apply(transform, sample, seed))
        ]
        assert (fine[1] > 1.2 * fine[0]) if sharper else (fine[1] < 0.8 * fine[0])


# ---- what surrounds the face tells nothing


def look_around(imgs):
    """Means, spread, fine structure and blocks of the rim of a clip, and some of its pixels."""
    clip = np.stack(imgs).astype(np.float32)
    grey = clip.mean(axis=-1)
    rim = np.ones(grey.shape[1:], bool)
    rim[6:-6, 6:-6] = False
    fine = np.stack([np.abs(cv2.Laplacian(frame, cv2.CV_32F)) for frame in grey])
    across = np.abs(np.diff(grey, axis=2))[:, :6]
    blocks = across[:, :, 7::8].mean() - across.mean()
    values = [grey[:, rim], fine[:, rim], np.abs(np.diff(grey, axis=0))[:, rim]]
    pixels = grey[0][rim][::40]
    return np.concatenate([[f(v) for v in values for f in (np.mean, np.std)], [blocks], pixels])


def probe(originals, blends, shuffles=0):
    """AUC of a linear probe on clips it was not fitted to, and how likely one as far from 0.5 is.

    That is counted among shuffled labels, fitted anew: the folds of one probe share their clips, so
    an interval over the clips alone is too narrow and lies below 0.5 too often.
    """
    features = np.stack([look_around(clip) for clip in (*originals, *blends)])
    labels = np.repeat([0, 1], len(originals))
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=10))

    def auc(truth):
        scores = cross_val_predict(model, features, truth, cv=5, method='decision_function')
        return roc_auc_score(truth, scores)

    rng, found = np.random.default_rng(0), auc(labels)
    chance = np.array([auc(rng.permutation(labels)) for _ in range(shuffles)])
    sides = [1 + np.sum(chance >= found), 1 + np.sum(chance <= found)]
    return found, min(1, 2 * min(sides) / (1 + shuffles))


@pytest.mark.parametrize('method', ['sbi', 'physillum'])
def test_the_periphery_tells_nothing(make_sample, apply, method):
    """Others than in a pair have other videos and other qualities; the two largest masks."""
    recompress, n = Recompress(), 60
    forge = SelfBlend() if method == 'sbi' else AttributeForgery()
    originals = [apply(recompress, make_sample('original', k), 1000 + k) for k in range(n)]
    blends = []
    for k in range(n):
        forged = apply(forge, make_sample(method, n + k), 2000 + k)
        blends.append(apply(recompress, dict(imgs=list(forged)), 3000 + k))
    auc, chance = probe(originals, blends, shuffles=99)
    assert chance > 0.05, auc


def test_the_probe_is_not_blind(make_sample, apply):
    """If the blends alone were coded anew, it would tell."""
    n, coded = 60, Recompress(jpeg=(60, 80), prob_h264=0)
    bare = [make_sample('original', k)['imgs'] for k in range(n)]
    blends = [apply(coded, make_sample('original', n + k), k) for k in range(n)]
    auc, chance = probe(bare, blends, shuffles=99)
    assert auc > 0.8
    assert chance == 0.02, 'none of 99 shuffles comes near'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(regions=dict(ears=1)), 'shares of face and parts'),
        (dict(regions=dict(face=0)), 'shares of face and parts'),
        (dict(strengths=()), 'numbers from 0 to 1'),
        (dict(strengths=(0.5, 2)), 'numbers from 0 to 1'),
        (dict(prob_colour=-1), 'numbers from 0 to 1'),
        (dict(textures=dict(blur=(1, 2))), 'give ranges of pixels, sharpen, jpeg'),
        (dict(radius=0), 'a radius above 0'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(MMFakeError, match=message):
        SelfBlend(**arguments)
