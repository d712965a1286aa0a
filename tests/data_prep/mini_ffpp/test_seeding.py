from __future__ import annotations

import subprocess
import sys

from data_prep.mini_ffpp import noise as seeding
from data_prep.mini_ffpp.noise import rng_for


def test_same_words_same_stream_whatever_was_drawn_before():
    first = rng_for(3, 'identity', '007')
    rng_for(3, 'identity', '008').standard_normal(100)
    first_values, again = first.standard_normal(5), rng_for(3, 'identity', '007').standard_normal(5)
    assert (first_values == again).all()


def test_every_word_and_the_seed_matter():
    draws = {
        rng_for(*words).standard_normal()
        for words in [(0, 'a', '1'), (1, 'a', '1'), (0, 'b', '1'), (0, 'a', '2'), (0, '1', 'a')]
    }
    assert len(draws) == 5


def test_independent_of_the_hash_salt_of_a_process():
    code = (
        'import importlib.util as u; '
        f's = u.spec_from_file_location("seeding", {seeding.__file__!r}); '
        'm = u.module_from_spec(s); s.loader.exec_module(m); '
        'print(m.rng_for(5, "motion", "001").integers(10**9))'
    )
    values = {
        subprocess.run(
            [sys.executable, '-c', code],
            env={'PYTHONHASHSEED': salt},
            check=True,
            capture_output=True,
        ).stdout
        for salt in ('1', '2')
    }
    assert values == {f'{rng_for(5, "motion", "001").integers(10**9)}\n'.encode()}
