from mmfake.console import Stopwatch


def test_what_is_timed_inside_is_not_counted_twice(monkeypatch):
    now = [0.0]
    monkeypatch.setattr('mmfake.console.time.perf_counter', lambda: now[0])
    watch = Stopwatch()

    def frames():
        for _ in range(3):
            now[0] += 2  # decoding
            yield None

    with watch.timing('write'):
        for _ in watch.each('decode', frames()):
            now[0] += 5
        now[0] += 1
    assert watch.seconds == dict(decode=6.0, write=16.0)
