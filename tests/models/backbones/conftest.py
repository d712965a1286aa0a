"""Facts of S3D and of its weight files, read from the tables beside this file."""

import csv
from collections import OrderedDict
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger

from mmfake.models.backbones.s3d import S3D

BN_TENSORS = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')


def read_table(name):
    with open(Path(__file__).with_name(name), newline='') as file:
        return list(csv.DictReader(file, delimiter='\t'))


def rename(key_table, tensors, column, prefix=''):
    return OrderedDict((prefix + row[column], tensors[row['name']]) for row in key_table)


def trunk_of_coclr(key_table, tensors, prefix):
    """924 names for 462 tensors."""
    return {
        **rename(key_table, tensors, 'name', prefix),
        **rename(key_table, tensors, 'alias', prefix),
    }


def coclr_pretraining(key_table, tensors, method='InfoNCE'):
    """What CoCLR's main_nce.py and main_coclr.py write, with the heads and queues made narrow."""
    other = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    state = trunk_of_coclr(key_table, other, 'encoder_k.0.')
    state.update(trunk_of_coclr(key_table, tensors, 'encoder_q.0.'))
    encoders = ['encoder_q', 'encoder_k']
    if method == 'CoCLR':
        encoders.append('sampler')
        state.update(trunk_of_coclr(key_table, other, 'sampler.0.'))
        state.update(queue_second=torch.rand(8, 16), queue_vname=torch.zeros(16).long())
    if method != 'InfoNCE':
        state['queue_label'] = torch.zeros(16).long()
    for encoder in encoders:
        for layer in (2, 4):
            state[f'{encoder}.{layer}.weight'] = torch.rand(8, 8, 1, 1, 1)
            state[f'{encoder}.{layer}.bias'] = torch.rand(8)
    state.update(queue=torch.rand(8, 16), queue_ptr=torch.zeros(1).long())
    return dict(
        epoch=399,
        state_dict=state,
        best_acc=torch.tensor(0.5),
        optimizer=dict(state={0: dict(exp_avg=torch.rand(3))}, param_groups=[dict(lr=1e-3)]),
        iteration=12345,
    )


def mmfake_checkpoint(key_table, tensors):
    state = rename(key_table, tensors, 'name', 'backbone.')
    state['data_preprocessor.mean'] = torch.rand(3, 1, 1, 1)
    state['bin_head.fc.0.weight'] = torch.rand(4, 4)
    hub = MessageHub.get_instance('test_pretrained')
    hub.update_scalar('train/loss', 0.5)  # the file holds a HistoryBuffer, as every real one
    meta = dict(epoch=3, cfg='model = dict()')
    return dict(meta=meta, state_dict=state, message_hub=hub.state_dict())


def fine_tuned(key_table, tensors):
    state = trunk_of_coclr(key_table, tensors, 'backbone.')
    state.update({'final_bn.weight': torch.rand(4), 'final_fc.1.weight': torch.rand(4, 4)})
    return dict(epoch=1, state_dict=state)


def torchvision_file(key_table, tensors):
    heads = {'classifier.1.weight': torch.rand(5, 4, 1, 1, 1), 'classifier.1.bias': torch.rand(5)}
    return {**rename(key_table, tensors, 'torchvision'), **heads}


def kylemin_file(key_table, tensors):
    state = {**rename(key_table, tensors, 'kylemin'), 'fc.0.weight': torch.rand(5, 4, 1, 1, 1)}
    return {f'module.{name}': tensor for name, tensor in state.items()}


def kylemin_inner_module(key_table, tensors):
    names = rename(key_table, tensors, 'kylemin')
    return {name.replace('base.', 'base.module.'): tensor for name, tensor in names.items()}


def parallel_checkpoint(key_table, tensors):
    state = rename(key_table, tensors, 'name', 'module.backbone.module.')
    return dict(state_dict=state)


def bare(key_table, tensors):
    return rename(key_table, tensors, 'name')


def aliases_only(key_table, tensors):
    return rename(key_table, tensors, 'alias', 'encoder_q.0.')


WEIGHT_FILES = {
    'InfoNCE': coclr_pretraining,
    'UberNCE': partial(coclr_pretraining, method='UberNCE'),
    'CoCLR': partial(coclr_pretraining, method='CoCLR'),
    'fine-tuned': fine_tuned,
    'torchvision': torchvision_file,
    'kylemin': kylemin_file,
    'kylemin inner module': kylemin_inner_module,
    'mmfake': mmfake_checkpoint,
    'parallel': parallel_checkpoint,
    'bare': bare,
    'aliases only': aliases_only,
}


@pytest.fixture
def weight_file(key_table, tensors):
    """Make the content of a weight file of a kind, to be altered at will (not in place)."""
    return lambda kind: WEIGHT_FILES[kind](key_table, tensors)


@pytest.fixture(scope='session')
def layer_table():
    """The 90 convolutions and poolings in the order in which they run (32 x 128 x 128)."""
    return read_table('s3d_layers.tsv')


@pytest.fixture(scope='session')
def key_table():
    """One row per tensor: its name in every layout, its shape."""
    rows = []
    for module in read_table('s3d_keys.tsv'):
        shape = tuple(int(side) for side in module.pop('shape').split('x'))
        for tensor in BN_TENSORS if len(shape) == 1 else ('weight',):
            row = {layout: f'{name}.{tensor}' for layout, name in module.items()}
            row['shape'] = () if tensor == 'num_batches_tracked' else shape
            rows.append(row)
    return rows


@pytest.fixture(scope='session')
def tensors(key_table):
    """Recognisable contents for all 462 tensors, by our name. Not to be changed in place."""
    generator = torch.Generator().manual_seed(0)
    contents = OrderedDict()
    for number, row in enumerate(key_table):
        if row['shape'] == ():
            contents[row['name']] = torch.tensor(1000 + number)
        else:
            # small and positive: a legal running_var, and no overflow through 77 layers
            contents[row['name']] = torch.rand(row['shape'], generator=generator) * 0.1 + 0.01
    return contents


@pytest.fixture(scope='session')
def encoder():
    """One built encoder for tests that overwrite all of its weights."""
    return S3D()


def randomise(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith(('running_var', 'bn.weight', 'bn1.weight', 'bn2.weight')):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.ndim == 5:
            fan_in = tensor[0].numel()
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5)
        elif tensor.ndim == 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return model


@pytest.fixture(scope='session')
def random_s3d():
    """An encoder with weights and statistics far from their initial values. Not to be trained."""
    return randomise(S3D())


@pytest.fixture
def log(caplog):
    """``caplog`` for mmengine's logger, which does not propagate to the root logger."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
