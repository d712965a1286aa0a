import itertools

from mmfake.faces.face_track import choose_person, rank_people


def test_the_longest_times_the_largest(track):
    long = track([0, 0, 10, 10], length=100)  # 1000
    large = track([0, 0, 60, 30], length=20)  # 1200: the longer side counts
    brief = track([0, 0, 90, 90], length=2)  # 180
    for order in itertools.permutations([long, large, brief]):
        assert rank_people(order) == [large, long, brief]
        assert choose_person(order) is large


def test_equal_tracks_have_an_order(track):
    early = track([30, 30, 40, 40], length=4)
    left = track([10, 30, 20, 40], length=4, start=1)
    upper = track([20, 10, 30, 20], length=4, start=1)
    lower = track([20, 30, 30, 40], length=4, start=1)
    for order in itertools.permutations([lower, upper, left, early]):
        assert rank_people(order) == [early, left, upper, lower]


def test_nobody():
    assert choose_person([]) is None
    assert rank_people(iter([])) == []
