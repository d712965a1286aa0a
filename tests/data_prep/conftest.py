"""Pictures as DeepfakeBench stores them."""

import json

import pytest
from PIL import Image


@pytest.fixture
def bench(tmp_path):
    """A factory of what DeepfakeBench makes: pictures, as grey as their number, and a JSON list.

    Videos are (label, split, names above it, its own, folder); gives the entries by these.
    """

    def make(
        set_name,
        videos,
        numbers=(0, 10, 20),
        root='bench',
        prefix='./datasets',
        list=None,
        side=8,
    ):
        content = {}
        for label, split, above, video, folder in videos:
            place = tmp_path / root / folder
            place.mkdir(parents=True, exist_ok=True)
            names = [f'{number:03d}.png' for number in numbers]
            for name, number in zip(names, numbers):
                Image.new('L', (side, side), number).save(place / name)
            node = content.setdefault(label, {}).setdefault(split, {})
            for key in above:
                node = node.setdefault(key, {})
            frames = [f'{prefix}/{folder}/{name}' for name in reversed(names)]
            node[video] = dict(label=label, frames=frames)
        path = tmp_path / root / 'dataset_json' / f'{list or set_name}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({set_name: content}))
        return tmp_path / root

    return make
