"""A pretend GPU ``xgpu:0`` that computes on the CPU, refuses mixes, and counts.

What it counts is launches and stops of the host. A stop is what makes the host wait for a GPU: a
value that Python asks for, a shape that depends on values, a copy to the host, and a copy from it
that is not pinned and ``non_blocking``. It is made of torch's Python backend (2.9 and later), which
cannot be taken out of a process again: for processes of their own.
"""

import sys
from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = 'xgpu:0'
_VALUE = ('_local_scalar_dense', 'equal')
_SHAPE = ('nonzero', 'masked_select', '_unique2', 'unique_dim', 'unique_consecutive')
_INDEX = ('index', 'index_put', 'index_put_', '_index_put_impl_')
_COPY = ('_to_copy', 'copy_')
# no kernel runs: views are found by their schema
_NO_LAUNCH = ('_unsafe_view', 'empty', 'empty_like', 'empty_strided', 'new_empty', 'detach')


class OnDevice(torch.Tensor):
    """A tensor of the device; ``raw`` holds its values."""

    @staticmethod
    def __new__(cls, raw):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            raw.size(),
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            device=DEVICE,
        )

    def __init__(self, raw):
        self.raw = raw

    def tolist(self):
        return self.cpu().tolist()  # as torch does, which refuses a subclass

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return PretendGPU.only.run(func, args, kwargs or {})  # also in the threads of autograd


class PretendGPU(TorchDispatchMode):
    """The device, as a context; ``stops`` and ``launches`` are Counters since the last reset."""

    only = None

    def __init__(self):
        from torch.utils import backend_registration as host

        super().__init__()
        module = host._DummyBackendModule()
        module.get_amp_supported_dtype = lambda: [torch.float16, torch.bfloat16]
        host._setup_privateuseone_for_python_backend('xgpu', backend_module=module)
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=DEVICE) is a copy
        PretendGPU.only = self
        self.reset()

    def reset(self):
        self.stops, self.launches = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self.run(func, args, kwargs or {})

    def run(self, func, args, kwargs):
        name = func.name().split('::')[1].split('.')[0]
        tensors = []
        tree_map(lambda x: isinstance(x, torch.Tensor) and tensors.append(x), (args, kwargs))
        here = [x for x in tensors if isinstance(x, OnDevice)]
        device = kwargs.get('device')
        target = bool(here) if device is None else torch.device(device).type == 'xgpu'
        # pinned memory
        if name == 'is_pinned':
            return getattr(tensors[0], 'pinned', False)
        if name == '_pin_memory':
            pinned = tensors[0].clone()
            pinned.pinned = True
            return pinned
        # what the host waits for
        if name in _COPY:
            target = isinstance(args[0], OnDevice) if name == 'copy_' else target
            source = args[1] if name == 'copy_' else args[0]
            if isinstance(source, OnDevice) != target:
                waits = not (kwargs.get('non_blocking') or (name == 'copy_' and any(args[2:])))
                if waits or not target or not getattr(source, 'pinned', False):
                    self._stop('upload' if target else 'download')
        elif here:
            indices = args[1] if name in _INDEX else ()
            kinds = (torch.bool, torch.uint8)
            if name in _VALUE:
                self._stop('value')
            elif name in _SHAPE or any(i is not None and i.dtype in kinds for i in indices):
                self._stop('shape')
            # host tensors without a dimension are numbers to a kernel, indices are uploaded
            mixed = [x for x in tensors if not isinstance(x, OnDevice) and x.ndim]
            if any(any(x is i for i in indices) for x in mixed):
                self._stop('upload')
                mixed = [x for x in mixed if not any(x is i for i in indices)]
            if mixed:
                raise RuntimeError(f'{func}: tensors on the CPU and on {DEVICE}')
        is_view = any(r.alias_info and not r.alias_info.is_write for r in func._schema.returns)
        if (here or target) and not is_view and name not in _NO_LAUNCH + _VALUE:
            self.launches[name] += 1
        # compute
        wrapped = {id(x.raw): x for x in here}
        if device is not None:
            kwargs = dict(kwargs, device='cpu')
        kwargs = dict(kwargs)
        pin = kwargs.pop('pin_memory', False)
        out = func(*tree_map(_raw, args), **tree_map(_raw, kwargs))
        if not target:
            if pin:
                out.pinned = True
            return out

        def wrap(x):
            if not isinstance(x, torch.Tensor):
                return x
            return wrapped[id(x)] if id(x) in wrapped else OnDevice(x)

        return tree_map(wrap, out)

    def _stop(self, kind):
        frame = sys._getframe(2)
        while frame and not any(f'/{name}/' in frame.f_code.co_filename for name in _PACKAGES):
            frame = frame.f_back
        where = 'elsewhere'
        if frame:
            path = frame.f_code.co_filename
            at = max(path.rfind(f'/{name}/') for name in _PACKAGES)
            where = f'{path[at + 1 :]}:{frame.f_lineno}'
        self.stops[kind, where] += 1


_PACKAGES = ('mmfake', 'mmengine', 'mmaction', 'optim')


def _raw(x):
    return x.raw if isinstance(x, OnDevice) else x
