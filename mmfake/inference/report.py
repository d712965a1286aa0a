"""Report of inference in HTML, one self-contained page, and sentences that the console says too."""

from __future__ import annotations

import base64
import os
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple, Union

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..datasets.manipulations import method_name, synthetic_keys
from ..engine.hooks.validation_threshold_hook import Validation
from ..files import atomic_file
from .detector import unit_of
from .evidence import Strip
from .precision import CLOSE

_PLOT = dict(width=760, height=96)  # px of a timeline
_THINNEST = 1.5  # px: a thinner bar could not be pointed at


def write_report(
    results: Dict[str, Any],
    strips: Sequence[Sequence[Strip]],
    path: Union[str, Path],
    saliency: str,
) -> None:
    """Write the page, whole or not at all.

    Args:
        results (dict): As :data:`mmfake.inference.results.RESULTS_SCHEMA` says.
        strips (Sequence[Sequence[Strip]]): Pictures of each video's extreme clips.
        path (str | Path): The file.
        saliency (str): How saliency was found.

    Raises:
        MMFakeError: If it cannot be written.
    """
    page = render_report(results, strips, saliency)
    with atomic_file(path, 'the report') as temporary:
        temporary.write_bytes(page.encode('utf-8', 'xmlcharrefreplace'))


def render_report(results: Dict[str, Any], strips: Sequence[Sequence[Strip]], saliency: str) -> str:
    """Make the page: HTML with its pictures and style inside, and no script.

    Args:
        results (dict): As :data:`mmfake.inference.results.RESULTS_SCHEMA` says.
        strips (Sequence[Sequence[Strip]]): Pictures of each video's extreme clips.
        saliency (str): How saliency was found.

    Returns:
        str: The page.
    """
    predictions, threshold = results['predictions'], results['threshold']
    names, folder = _short_names([video['video'] for video in predictions])
    counts = Counter(video['verdict'] for video in predictions)
    told = [f'{counts[v]} {v}' for v in ('manipulated', 'original', 'abstain') if counts[v]]
    unit = unit_of(results['model'])
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['method_name'] = method_name
    return environment.get_template('report.html.j2').render(
        videos=[
            dict(
                _shown(*video, threshold, unit),
                prompts=_prompt_rows(video[0], results['model']),
                altered=told_of_prompts(video[0], results['model']),
            )
            for video in zip(predictions, names, strips)
        ],
        unit=unit,
        counts=', '.join(told),
        folder=folder,
        threshold=threshold,
        threshold_source=told_of_threshold(results),
        validation=told_of_validation(results),
        calibration=told_of_calibration(results),
        precision=told_of_precision(results),
        export=told_of_export(results['model']),
        warnings=results.get('warnings', []),
        meaning=results['meaning'],
        model=results['model'],
        settings=results['settings'],
        saliency=saliency,
    )


def told_of_validation(results: Dict[str, Any]) -> str:
    """Say in a sentence how good the detector of the results was on its validation videos."""
    validation = Validation.from_dict(results['model'].get('validation'))
    if validation is None:
        return 'How good this detector was on validation is not known: its checkpoint does not say.'
    return validation.sentence


def told_of_calibration(results: Dict[str, Any]) -> str:
    """Say in a sentence what a calibrated probability of the results is; empty if there is none."""
    model = results['model']
    validation = Validation.from_dict(model.get('validation'))
    if not model.get('calibration') or validation is None:
        return ''
    n = validation.n_original + validation.n_manipulated
    # what is made from originals is in training alone
    trained_on = [key for key in model.get('trained_on') or () if key not in synthetic_keys()]
    methods = ', '.join(map(method_name, trained_on))
    of = f' of {", ".join(model["datasets"])}' if model.get('datasets') else ''
    text = (
        f'Calibrated on {n} validation videos{of}{f" ({methods})" if methods else ""}: among '
        'videos like those, if half of them were manipulated, the calibrated probability would be '
        'the share that is. It promises nothing for other videos.'
    )
    if results.get('abstain_below') is not None:
        text += f' A verdict needs a calibrated probability of {results["abstain_below"]:.3f}.'
    return text + _told_of_sides(results)


def _told_of_sides(results: Dict[str, Any]) -> str:
    """Say of how many videos verdict and calibrated probability seem to contradict each other."""
    judged = [
        (video['verdict'] == 'manipulated', video['calibrated'])
        for video in results['predictions']
        if video['verdict'] != 'abstain' and video.get('calibrated') is not None
    ]
    n = sum((probability >= 0.5) != manipulated for manipulated, probability in judged)
    if not n:
        return ''
    return (
        f' Of {n} of the {len(judged)} videos verdict and calibrated probability point to '
        f'different sides: their scores lie between the threshold, {results["threshold"]:.3f}, '
        'which decides the verdict, and 0.5, which the calibration leaves where it is. Take them '
        'as undecided; with --abstain-below 0.5 they are not judged.'
    )


def told_of_precision(results: Dict[str, Any]) -> str:
    """Say what the encoder of the results computed in, why, and which verdicts that may decide."""
    model = results['model']
    name, reason = model.get('precision', 'fp32'), model.get('precision_reason')
    text = f'Computed in {name}{f" ({reason})" if reason else ""}.'
    scores = [video['probability'] for video in results['predictions']]
    scores = [score for score in scores if score is not None]
    near = sum(abs(score - results['threshold']) < CLOSE for score in scores)
    if name == 'fp32' or not near:
        return text
    return (
        f'{text} Of {near} of the {len(scores)} videos the score is within {CLOSE} of the '
        f'threshold, as far as {name} may move it: in fp32 the verdict may be another.'
    )


def told_of_export(model: Dict[str, Any]) -> str:
    """Say in a sentence what ran an exported model, and of what it was made; else empty."""
    if 'exported_from' not in model:
        return ''
    origin = model['exported_from']
    return (
        f'Run by {model["runtime"]}, exported from {origin["checkpoint"]} (SHA-256 '
        f'{(origin["checkpoint_sha256"] or "unknown")[:16]}).'
    )


def told_of_threshold(results: Dict[str, Any]) -> str:
    """Say where the threshold of the results comes from."""
    source = results['threshold_source']
    if source == 'validation':
        return 'chosen on validation'
    if source == 'user':
        return 'given by the user'
    validation = Validation.from_dict(results['model'].get('validation'))
    if validation is not None and validation.is_chance:
        return 'the default, as validation was no better than chance'
    return 'the default, as the checkpoint has none from validation'


def told_of_prompts(video: Dict[str, Any], model: Dict[str, Any]) -> List[str]:
    """Name what is altered in a manipulated video, as far as validation knows how to tell it.

    Args:
        video (dict): A prediction.
        model (dict): Facts of the detector, with what its prompts were worth on validation.

    Returns:
        list[str]: A phrase for each attribute whose score reaches its validation threshold;
        none for an original, and none of a prompt that validation could not judge.
    """
    if video['verdict'] != 'manipulated':
        return []
    return [
        f'{row["label"]} ({row["probability"]:.3f}, from {row["threshold"]:.3f} on; {row["worth"]})'
        for row in _prompt_rows(video, model)[1:]  # the first is the score
        if row['threshold'] is not None and row['probability'] >= row['threshold']
    ]


def _prompt_rows(video: Dict[str, Any], model: Dict[str, Any]) -> List[Dict[str, Any]]:
    """A bar for every prompt: its score, and what it was worth on validation."""
    rows = []
    for label, probability in video.get('prompts', {}).items():
        judged = Validation.from_dict(model['prompts'].get(label))
        threshold = None if judged is None else judged.threshold
        worth = 'validation had no such videos' if judged is None else judged.worth
        if judged is not None and judged.is_chance:
            worth += ', no better than chance'
        rows.append(dict(label=label, probability=probability, threshold=threshold, worth=worth))
    return rows


def _short_names(names: List[str]) -> Tuple[List[str], str]:
    """Leave out the folder that all videos share, and say which it is."""
    try:
        folder = os.path.commonpath([os.path.dirname(name) for name in names])
    except ValueError:  # some are absolute, some are not
        folder = ''
    if not folder.strip(os.sep):  # nothing, or the root of the disk
        return names, ''
    return [os.path.relpath(name, folder) for name in names], folder


def _shown(
    video: Dict[str, Any], name: str, strips: Sequence[Strip], threshold: float, unit: str
) -> Dict[str, Any]:
    """Prepare what the section of a video shows."""
    people = video['people']
    duration = video['metadata'].get('duration') or 0.0
    # what nobody was judged in is shown once, above the first person
    gaps = [video['skipped']] + [[]] * len(people)
    clips = [clip for person in people for clip in person['clips']]
    return dict(
        prediction=video,
        name=name,
        scores=[clip['score'] for clip in clips],
        plots=[_plot(p['clips'], gap, duration, threshold) for p, gap in zip(people, gaps)],
        pictures=[_picture(strip, len(people) > 1, unit) for strip in strips],
        facts=_facts(video),
    )


def _plot(
    clips: List[Dict[str, Any]], skipped: List[Dict[str, Any]], duration: float, threshold: float
) -> Dict[str, Any]:
    """Place the clips of a person over the time of the video, in px of the plot."""
    duration = max([duration, *(clip['end'] for clip in clips)]) or 1.0

    def place(part: Dict[str, Any]) -> Tuple[float, float]:
        start, end = (min(max(part[key] / duration, 0), 1) for key in ('start', 'end'))
        return _PLOT['width'] * start, _PLOT['width'] * (end - start)

    bars, gaps = [], []
    for clip in clips:
        left, width = place(clip)
        bars.append(
            dict(
                left=left,
                width=max(width, _THINNEST),
                height=max(_PLOT['height'] * clip['score'], _THINNEST),
                verdict='manipulated' if clip['score'] >= threshold else 'original',
                told=f'{clip["start"]:.2f} to {clip["end"]:.2f} s: {clip["score"]:.3f}',
            )
        )
    for part in skipped:
        left, width = place(part)
        gaps.append(dict(left=left, width=width, reason=part['reason']))
    quarters = [quarter / 4 for quarter in range(5)]
    return dict(
        _PLOT,
        bars=bars,
        gaps=gaps,
        ticks=[dict(left=_PLOT['width'] * q, time=_clock(duration * q)) for q in quarters],
        told=', '.join(f'{clip["score"]:.2f} at {clip["start"]:.1f} s' for clip in clips[:20]),
    )


def _clock(seconds: float) -> str:
    """Seconds as a player shows them, finer for short videos."""
    if seconds < 60:
        return f'{seconds:.1f} s'
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d} min'


def _picture(strip: Strip, several: bool, unit: str) -> Dict[str, str]:
    """Prepare a strip of frames and its caption."""
    which = f'Face {strip.person}, {strip.which}' if several else strip.which.capitalize()
    caption = f'{which} {unit}: {strip.score:.3f}, {strip.start:.2f} to {strip.end:.2f} s'
    if strip.speaks_for:
        caption += f'. Below, brighter where more speaks for {strip.speaks_for}.'
    return dict(caption=caption, base64=base64.b64encode(strip.jpeg).decode())


def _facts(video: Dict[str, Any]) -> Dict[str, str]:
    """List what is known of the file, and the time that was spent on it."""
    known, facts = video['metadata'], {}
    if 'width' in known:
        facts['picture'] = f'{known["width"]} x {known["height"]} px, {known["codec"]}'
        rate = known['fps']
        facts['rate'] = (
            f'{rate:.3g} frames per s' if rate else 'not known, times are of 25 frames per s'
        )
    if 'frames' in known:
        whole = '' if known['read_to_end'] else ' (as far as it was read)'
        seconds = '' if known['duration'] is None else f'{known["duration"]:.2f} s, '
        facts['length'] = f'{seconds}{known["frames"]} frames{whole}'
    sides = [f'{person["face_px"]} px' for person in video['people'] if person['face_px']]
    if sides:
        facts['crop'] = ', '.join(sides)
    if video['seconds']:
        spent = [f'{part} {seconds:.2f} s' for part, seconds in video['seconds'].items()]
        facts['time spent'] = ', '.join(spent)
    return facts
