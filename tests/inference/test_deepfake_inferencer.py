"""The detector as a Python object."""

import copy
import csv
import json
import pickle
import re
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from data_prep.clip_writer import write_clip
from mmfake.errors import MMFakeError
from mmfake.faces.crop import crop_square, square_boxes
from mmfake.faces.detectors import CenterFaceDetector, FaceSettings
from mmfake.faces.face_track import rank_people, smooth_track
from mmfake.faces.tracking import FaceTracker
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.inference.video_tally import ScoredClip, _family
from mmfake.video.frame_reader import FrameReader


def scores(prediction):
    return [clip['score'] for person in prediction['people'] for clip in person['clips']]


@pytest.fixture(scope='module')
def film(tmp_path_factory, write_film, face_film):
    return write_film(tmp_path_factory.mktemp('film') / 'face.mp4', face_film(40))


@pytest.fixture(scope='module')
def detect_with(inferencer):
    """The detector with other settings of the face search."""

    def change(**settings):
        changed = copy.copy(inferencer)
        changed.faces = FaceSettings(**settings)
        return changed

    return change


def test_the_face_is_cut_out_as_in_data_preparation(inferencer, film, tmp_path):
    with FrameReader(film) as reader:
        pictures = [frame.picture for frame in reader]
    tracker = FaceTracker(CenterFaceDetector(), every=5)
    for picture in pictures:
        tracker.update(picture)
    track = rank_people(tracker.finish())[0]
    squares = square_boxes(smooth_track(track), 1.3)
    crops = [crop_square(p, s, 160) for s, p in zip(squares, pictures[track.start :])]
    write_clip(tmp_path / 'crop.npy', crops, 25, 'npy')
    write_clip(tmp_path / 'crop.mp4', crops, 25)

    found = inferencer(str(film))['predictions'][0]
    exact = inferencer(str(tmp_path / 'crop.npy'), face=False)['predictions'][0]
    stored = inferencer(str(tmp_path / 'crop.mp4'), face=False)['predictions'][0]
    assert found['status'] == 'scored'
    assert len(set(scores(found))) == 4
    assert scores(found) == pytest.approx(scores(exact), abs=1e-6)
    assert found['probability'] == pytest.approx(np.mean(scores(found)), abs=1e-6)
    # what the codec of the stored clip costs, to weights that exaggerate every difference
    assert found['probability'] == pytest.approx(stored['probability'], abs=0.05)


def test_the_margin_is_that_of_the_training_and_another_one_is_told(
    config, checkpoint, film, tmp_path
):
    weights = torch.load(checkpoint(), weights_only=False)
    weights['meta']['dataset_meta']['crops'] = [('centerface', 2.0, 160)]
    torch.save(weights, tmp_path / 'x.pth')

    def judge(faces=None, **kwargs):
        detect = DeepfakeInferencer(config(), tmp_path / 'x.pth', faces=faces)
        results = detect(str(film), **kwargs)
        (person,) = results['predictions'][0]['people']
        return person['face_px'], results['warnings']

    side, warnings = judge()
    assert warnings == []
    asked, told = judge(FaceSettings(margin=1.3))
    assert side == pytest.approx(asked * 2 / 1.3, abs=2)
    assert len(told) == 1
    assert 'by centerface with margin 2, these are cut out by centerface with margin 1.3' in told[0]
    assert judge(FaceSettings(margin=1.3), face=False) == (None, [])


def test_clips_say_when_they_are(inferencer, film):
    found = inferencer(str(film))['predictions'][0]
    (person,) = found['people']
    times = [(clip['start_frame'], clip['end_frame']) for clip in person['clips']]
    assert times == [(0, 7), (11, 18), (21, 28), (32, 39)]
    assert [clip['start'] for clip in person['clips']] == [0.0, 0.44, 0.84, 1.28]
    assert person['clips'][-1]['end'] == pytest.approx(1.6)
    assert found['metadata']['duration'] == pytest.approx(1.6)
    assert 60 < person['face_px'] < 80  # 1.3 times the face


def test_batches_across_videos_change_nothing(inferencer, film, write_film, noise_film, tmp_path):
    videos = [film] + [write_film(tmp_path / f'{n}.mp4', noise_film(n)) for n in range(3)]
    together = inferencer([str(video) for video in videos], batch_size=7, face=False)
    alone = [inferencer(str(video), batch_size=1, face=False) for video in videos]
    for one, other in zip(together['predictions'], alone):
        (other,) = other['predictions']
        assert scores(one) == pytest.approx(scores(other), abs=1e-5)  # SPREAD times float32
        assert one['video'] == other['video']
    assert len({one['probability'] for one in together['predictions']}) == 4


def test_a_long_video_is_judged_in_pieces(detect_with, film):
    detect = detect_with(window=15)
    (whole,) = detect(str(film))['predictions']
    (first,) = detect(str(film), segments=1)['predictions']
    clips = whole['people'][0]['clips']
    assert [clip['segment'] for clip in clips] == [0] * 4 + [1] * 4 + [2] * 4
    assert [clip['start_frame'] // 15 for clip in clips] == [0] * 4 + [1] * 4 + [2] * 4
    assert scores(first) == scores(whole)[:4]
    assert whole['probability'] == pytest.approx(np.mean(scores(whole)), abs=1e-6)
    assert first['metadata']['frames'] == 15
    assert not first['metadata']['read_to_end']
    assert whole['metadata']['read_to_end']


@pytest.mark.parametrize('segments', [None, 1])
def test_a_video_of_full_pieces_is_read_to_its_end(detect_with, face_film, segments):
    detect = detect_with(window=12)
    film = face_film(24 if segments is None else 12)
    (found,) = detect(film, segments=segments)['predictions']
    assert found['metadata']['frames'] == len(film)
    assert found['metadata']['read_to_end']


@pytest.mark.parametrize('person', ['largest', 'all'])
def test_two_people(detect_with, face_film, person, tmp_path):
    film = np.concatenate([face_film(24, left=5), face_film(24, left=165)[:, :, 160:]], axis=2)
    detect = detect_with(window=12)
    results = detect(film, person=person, out_dir=str(tmp_path))
    (found,) = results['predictions']
    people = found['people']
    page = (tmp_path / 'report.html').read_text()
    several = person == 'all'
    assert ('one who comes back counts anew' in results['meaning']) == several
    assert ('the highest of 2 faces followed' in page) == several
    captions = re.findall('<figcaption>(.*?):', page)
    (highest, *_) = (
        one['person'] for one in people if max(scores(dict(people=[one]))) == max(scores(found))
    )
    assert captions[0] == (f'Face {highest}, highest clip' if several else 'Highest clip')
    assert [one['person'] for one in people] == ([0] if person == 'largest' else [0, 1])
    assert all(len(one['clips']) == 8 for one in people)  # followed from piece to piece
    assert found['probability'] == max(one['probability'] for one in people)


def test_who_comes_back_after_a_cut_counts_anew_and_the_report_says_so(
    inferencer, face_film, tmp_path
):
    shots = [face_film(30, left=left) for left in (5, 160, 5)]  # one and the same person
    inferencer(np.concatenate(shots), person='all', out_dir=str(tmp_path))
    (row,) = csv.DictReader((tmp_path / 'results.csv').open(newline=''))
    page = ' '.join((tmp_path / 'report.html').read_text().split())
    assert row['people'] == '3'
    assert (
        'the highest of 3 faces followed (a person who comes back after a cut counts anew), '
        'against a threshold chosen for one face: the more faces, the more false alarms'
    ) in page
    assert 'Person' not in page


def test_the_size_of_the_crop_is_the_mean_over_all_that_was_judged(detect_with, face_film):
    """A film that is zoomed out to half its size after two of three pieces."""
    near = face_film(36).repeat(2, axis=1).repeat(2, axis=2)
    far = face_film(18, height=360, width=640)
    detect = detect_with(window=18)

    def side(film):
        (found,) = detect(film)['predictions']
        (person,) = found['people']
        return person['face_px']

    large, small = side(near), side(far)
    assert small == pytest.approx(large / 2, abs=4)
    assert side(np.concatenate([near, far])) == pytest.approx((2 * large + small) / 3, abs=1.5)


def test_parts_without_a_face_are_told(detect_with, face_film):
    film = np.concatenate([np.full((20, 180, 320, 3), 127, np.uint8), face_film(20)])
    detect = detect_with(window=20)
    (found,) = detect(film)['predictions']
    assert found['status'] == 'scored'
    (gap,) = found['skipped']
    assert (gap['start'], gap['end'], gap['status']) == (0.0, 0.8, 'no-face')


def test_threshold_and_family(inferencer, noise_film):
    film = noise_film(0)
    results = inferencer(film, face=False)
    assert (results['threshold'], results['threshold_source']) == (0.755, 'validation')
    (video,) = results['predictions']
    assert video['verdict'] == 'manipulated'
    family = video['family']
    assert family['training_auxiliary'] is True
    assert list(family['probabilities']) == ['original', 'df', 'fs', 'nt']
    assert sum(family['probabilities'].values()) == pytest.approx(1)
    named = {key: p for key, p in family['probabilities'].items() if key != 'original'}
    assert family['likely'] == max(named, key=named.get)

    (video,) = inferencer(film, face=False, threshold=video['probability'])['predictions']
    assert video['verdict'] == 'manipulated'  # at the threshold
    (video,) = inferencer(film, face=False, threshold=0.9)['predictions']
    assert video['verdict'] == 'original'
    assert video['family']['likely'] is None


@pytest.mark.parametrize(
    ('shares', 'likely'),
    [((0.27, 0.24, 0.24, 0.25), None), ((0.3, 0.1, 0.3, 0.3), 'fs'), ((0.1, 0.5, 0.2, 0.2), 'df')],
)
def test_no_method_is_likely_that_is_less_probable_than_original(shares, likely):
    model = SimpleNamespace(classes=('original', 'df', 'fs', 'nt'))
    clip = ScoredClip(None, torch.zeros(2), torch.tensor(shares))
    assert _family([clip, clip], model, 'manipulated')['likely'] == likely


def test_a_regime_without_multi_stream_names_no_family(config, checkpoint, noise_film, tmp_path):
    detect = DeepfakeInferencer(config('bin_con'), checkpoint('bin_con'))
    results = detect(noise_film(0), face=False, out_dir=str(tmp_path))
    assert results['predictions'][0]['family'] is None
    assert 'last feature map' in (tmp_path / 'report.html').read_text()


def test_weights_that_give_nan_are_told(config, checkpoint, noise_film, tmp_path):
    content = torch.load(checkpoint(), weights_only=True)
    content['state_dict']['binary.cls_head.layers.1.bias'][0] = float('nan')
    torch.save(content, tmp_path / 'broken.pth')
    detect = DeepfakeInferencer(config(), tmp_path / 'broken.pth')
    results = detect(noise_film(0), face=False, out_dir=str(tmp_path))
    (video,) = results['predictions']
    assert (video['verdict'], video['status']) == ('abstain', 'not-a-number')


def test_memory_does_not_hold_the_video(inferencer, write_film, noise_film, tmp_path):
    import tracemalloc

    path = write_film(tmp_path / 'large.mp4', noise_film(0, 120, 360, 640), preset='ultrafast')
    tracemalloc.start()
    try:
        (video,) = inferencer(str(path), face=False)['predictions']
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert video['status'] == 'scored'
    assert peak < 10 * 360 * 640 * 3  # of 120 frames


@pytest.mark.parametrize(
    ('arguments', 'part'),
    [
        (dict(person='nobody'), "person 'nobody'"),
        (dict(batch_size=0), 'batch_size=0'),
        (dict(segments=0), 'segments=0'),
        (dict(segments=1.0), 'segments=1.0'),
        (dict(batch_size='8'), "batch_size='8'"),
        (dict(batch_size=True), 'batch_size=True'),
        (dict(threshold=True), 'threshold True'),
        (dict(threshold='high'), "threshold 'high'"),
        (dict(threshold=1.5), 'threshold 1.5'),
        (dict(save_video=True), 'out_dir'),
        (dict(face='no'), "face='no' is neither True nor False"),
        (dict(face=None), 'face=None is neither'),
        (dict(print_result='no'), "print_result='no' is neither"),
    ],
)
def test_a_wrong_argument_is_told(inferencer, noise_film, arguments, part):
    with pytest.raises(MMFakeError, match=part):
        inferencer(noise_film(0), **dict(dict(face=False), **arguments))


def test_face_settings_of_another_type_are_told(config, checkpoint):
    with pytest.raises(MMFakeError, match="faces='yunet' is no FaceSettings"):
        DeepfakeInferencer(config(), checkpoint(), faces='yunet')


def test_entries_that_are_no_video_do_not_end_a_batch(inferencer, noise_film, tmp_path):
    (tmp_path / 'empty').mkdir()
    inputs = [np.zeros((9, 8, 8, 3)), tmp_path / 'empty', noise_film(0)]
    results = inferencer(inputs, face=False, out_dir=str(tmp_path / 'out'))
    assert (results['n_videos'], results['n_scored']) == (3, 1)
    array, folder, film = results['predictions']
    assert array['reason'].startswith('an array to judge is')
    assert folder['reason'] == 'no video in this folder or below it'
    assert [video['verdict'] for video in (array, folder)] == ['abstain', 'abstain']
    assert film['status'] == 'scored'


def test_equal_scores_are_told(inferencer, noise_film):
    def warnings(*films):
        return inferencer(list(films), face=False)['warnings']

    (told,) = warnings(noise_film(0), noise_film(0))
    assert re.match(r'All 2 scores are equal \(0\.\d{4}\)', told)
    assert warnings(noise_film(0)) == warnings(noise_film(0), noise_film(1)) == []


def test_results_are_printed_and_written_where_it_is_asked(
    inferencer, noise_film, tmp_path, capsys
):
    path = tmp_path / 'here.json'
    results = inferencer(noise_film(0), face=False, print_result=True, pred_out_file=str(path))
    assert json.loads(capsys.readouterr().out) == json.loads(path.read_text()) == results


def test_what_is_passed_over_is_logged(inferencer, write_film, noise_film, tmp_path, caplog):
    write_film(tmp_path / 'a.mp4', noise_film(0))
    (tmp_path / 'notes.txt').write_text('')
    heard = []
    results = inferencer(tmp_path, face=False, progress=heard.append)
    assert heard == results['predictions']
    assert 'passed over 1 other files (.txt 1)' in caplog.text


def test_stale_copies_go_and_copies_are_not_judged(inferencer, write_film, noise_film, tmp_path):
    films, out = tmp_path / 'films', tmp_path / 'films' / 'report'
    write_film(films / 'b.mp4', noise_film(0))
    run = dict(face=False, out_dir=str(out))
    inferencer(films, save_video=True, **run)
    assert [path.name for path in (out / 'videos').iterdir()] == ['0000_b.mp4']
    write_film(films / 'a.mp4', noise_film(1))
    (out / 'videos' / 'mine.txt').write_text('')
    results = inferencer(films, save_video=True, **run)
    assert [video['video'] for video in results['predictions']] == [
        str(films / 'a.mp4'),
        str(films / 'b.mp4'),
    ]
    copies = ['0000_a.mp4', '0001_b.mp4', 'mine.txt']
    assert sorted(path.name for path in (out / 'videos').iterdir()) == copies
    inferencer(films, **run)
    assert [path.name for path in (out / 'videos').iterdir()] == ['mine.txt']


def test_threads_that_share_a_detector_wait_for_each_other(inferencer, noise_film):
    films, heard, threads = [noise_film(0), noise_film(1)], [], []
    alone = inferencer(films, face=False)['predictions']

    def second(prediction):
        heard.append(('a', prediction['probability']))
        if not threads:
            call = dict(
                face=False, progress=lambda found: heard.append(('b', found['probability']))
            )
            threads.append(threading.Thread(target=inferencer, args=(films,), kwargs=call))
            threads[0].start()
            threads[0].join(0.1)

    inferencer(films, face=False, progress=second)
    threads[0].join()
    assert heard == [(name, found['probability']) for name in 'ab' for found in alone]


def test_a_copy_and_a_pickle_judge_alike(inferencer, noise_film):
    alone = scores(inferencer(noise_film(0), face=False)['predictions'][0])
    for copied in (copy.deepcopy(inferencer), pickle.loads(pickle.dumps(inferencer))):
        assert scores(copied(noise_film(0), face=False)['predictions'][0]) == alone
