"""A model file with the inputs and outputs of YuNet that finds red squares of 8 px."""

from __future__ import annotations

import math
from typing import List, Union

import numpy as np


def _field(number: int, value: Union[int, bytes, str]) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    coded = b''
    while value >= 128:
        coded += bytes([value % 128 + 128])
        value //= 128
    return coded + bytes([value])


def _value(name: str, dims: List[int]) -> bytes:
    shape = b''.join(_field(1, _field(1, dim)) for dim in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, shape)))


def _tensor(name: str, array: np.ndarray) -> bytes:
    dims = b''.join(_field(1, dim) for dim in array.shape)
    kind = 1 if array.dtype == np.float32 else 7
    return dims + _field(2, kind) + _field(8, name) + _field(9, array.tobytes())


def _node(kind: str, inputs: List[str], output: str, **attributes: List[int]) -> bytes:
    coded = b''.join(_field(1, name) for name in inputs) + _field(2, output)
    coded += _field(3, f'{kind}_{output}') + _field(4, kind)
    for name, values in attributes.items():
        integers = b''.join(_field(8, value) for value in values)
        coded += _field(5, _field(1, name) + integers + _field(20, 7))
    return coded


def tiny_yunet() -> bytes:
    """A red square of 8 px in column c, row r gives a box of 32 x 48 px around its centre.

    Point n lies n cells right of and 2 n cells below the corner of the square.
    """
    box = [0.5, 0.5, math.log(4), math.log(6)]
    points = [value for n in range(5) for value in (n, 2 * n)]
    bias = dict(cls=[0], obj=[0], bbox=box, kps=points)
    nodes, tensors, outputs = [], [], []
    for stride in (8, 16, 32):
        for name, values in bias.items():
            score = stride == 8 and name in ('cls', 'obj')
            side = 8 if score else 1
            weight = np.zeros((len(values), 3, side, side), np.float32)
            if score:
                weight[:, 2] = 1 / (255 * 64)  # the network's pictures are BGR
            out = f'{name}_{stride}'
            tensors += [
                _tensor(f'w_{out}', weight),
                _tensor(f'b_{out}', np.float32(values)),
                _tensor(f's_{out}', np.array([1, -1, len(values)])),
            ]
            options = dict(kernel_shape=[side] * 2, strides=[stride] * 2, pads=[0] * 4)
            convolved = ['input', f'w_{out}', f'b_{out}']
            nodes += [
                _node('Conv', convolved, f'c_{out}', dilations=[1, 1], **options),
                _node('Transpose', [f'c_{out}'], f't_{out}', perm=[0, 2, 3, 1]),
                _node('Reshape', [f't_{out}', f's_{out}'], out),
            ]
            outputs.append(_value(out, [1, (640 // stride) ** 2, len(values)]))
    graph = b''.join(_field(1, node) for node in nodes) + _field(2, 'tiny')
    graph += b''.join(_field(5, tensor) for tensor in tensors)
    graph += _field(11, _value('input', [1, 3, 640, 640]))
    graph += b''.join(_field(12, output) for output in outputs)
    return _field(1, 7) + _field(7, graph) + _field(8, _field(1, '') + _field(2, 11))
