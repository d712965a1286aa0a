import numpy as np
import pandas as pd
import pytest

from mmfake.evaluation.statistics import bootstrap_intervals, joint_counts, replicate_metrics


def test_of_one_run_it_is_the_plain_bootstrap(make_run):
    scored = make_run('a', n=15).scored
    (counts,) = joint_counts([scored], 300, seed=3)
    arrays = scored['label'].to_numpy(), scored['score'].to_numpy()
    aucs = replicate_metrics(*arrays, counts)['auc']
    expected = bootstrap_intervals(*arrays, n_bootstrap=300, seed=3)['auc']
    assert np.quantile(aucs, [0.025, 0.975]) == pytest.approx(expected)


def test_videos_go_together_across_hold_outs(make_run):
    frames = [make_run('a', holdout, n=12).scored for holdout in ('df', 'nt')]
    # one fake of the second is lost: the others must still find their partners
    frames[1] = frames[1][~frames[1]['video'].str.contains('/003_')].reset_index(drop=True)
    counts = [
        pd.DataFrame(drawn.T, index=frame['video'])
        for frame, drawn in zip(frames, joint_counts(frames, 40))
    ]
    originals = [f'ffpp/original/c23/{i:03d}' for i in range(12)]
    assert (counts[0].loc[originals] == counts[1].loc[originals]).all(axis=None)
    assert (counts[0].loc[originals].sum() == 12).all()
    assert counts[0].loc[originals].to_numpy().std() > 0.5  # they are drawn
    for i in (0, 2, 4, 11):
        pair = [
            drawn.loc[f'ffpp/{name}/c23/{i:03d}_{900 + i}']
            for drawn, name in zip(counts, ('df', 'nt'))
        ]
        assert (pair[0] == pair[1]).all()
    assert (counts[0].filter(like='/df/', axis=0).sum() == 12).all()


def test_a_run_of_several_methods_draws_each_video_by_itself(make_run):
    frames = [make_run('a', holdout, n=12).scored for holdout in ('df', 'nt')]
    whole = pd.concat([frames[0], frames[1].query('label == 1')]).sort_values('video')
    (counts,) = joint_counts([whole.reset_index(drop=True)], 50)
    labels = whole['label'].to_numpy()
    assert (counts[:, labels == 1].sum(axis=1) == 24).all()
    df, nt = (counts[:, (whole['method'] == name).to_numpy()] for name in ('df', 'nt'))
    assert (df != nt).any()


def test_seed(make_run):
    frame = make_run('a').scored
    first, again, other = (joint_counts([frame], 20, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
