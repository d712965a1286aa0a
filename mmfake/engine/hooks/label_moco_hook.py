"""Label-informed momentum contrast (MoCo) hook: key encoder (EMA) and labelled queues."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, Dict, Optional, Tuple

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather, get_world_size
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import Runner
from torch import Tensor, nn

from ...datasets.unreadable import readable
from ...errors import MMFakeError
from ...models.heads.targets import labels_of
from ...models.labelled_queue import LabelledQueue, videos_of
from ...models.pinned_data_preprocessor import upload
from ...models.recognizers.dual_stream_recognizer import has_sync_norm
from ...models.recognizers.light_tuning import frozen_norms
from . import model_of
from .non_finite_loss_hook import NonFiniteLossHook, copy_each


def gather_rows(*tensors: Tensor) -> Tuple[Tensor, ...]:
    """Concatenate the rows of all ranks, in the order of the ranks.

    ``all_gather`` needs equal shapes, but a rank whose batch held an unreadable video has fewer
    rows: they are padded for the exchange and cut back after it.

    Args:
        *tensors (Tensor): ``(N_rank, ...)`` each, with the same N_rank.

    Returns:
        tuple[Tensor]: ``(sum of N_rank, ...)`` each, the same on every rank.
    """
    if get_world_size() == 1:
        return tensors
    count = tensors[0].new_full((1,), len(tensors[0]), dtype=torch.long)
    counts = torch.cat(all_gather(count)).tolist()
    gathered = []
    for rows in tensors:
        padded = rows.new_zeros(max(counts), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = all_gather(padded)
        gathered.append(torch.cat([part[:count] for part, count in zip(parts, counts)]))
    return tuple(gathered)


class KeyEncoder(ExponentialMovingAverage):
    """mmengine's moving average, of the same bits, in a few launches instead of one per tensor."""

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Average the parameters, and follow the buffers."""
        source = dict(model.named_parameters())
        averaged = self.avg_parameters
        torch._foreach_lerp_(list(averaged.values()), [source[n] for n in averaged], self.momentum)
        copy_each(list(self.module.buffers()), list(model.buffers()))
        self.steps += 1


@HOOKS.register_module()
class LabelMoCoHook(Hook):
    """Owns the key encoder and the labelled queues of the contrastive streams.

    Label-informed MoCo (arXiv 2308.13503, 2.1.2): after each training iteration the exponential
    moving average (EMA) of encoder and projection heads encodes the batch, and its keys enter one
    queue per contrastive stream with the label of that stream. The loss of an iteration therefore
    meets keys of EARLIER iterations only. Keys and labels are gathered over all ranks, so that
    every rank holds the same queue. :meth:`after_train_iter` is the whole algorithm; the loss is in
    :class:`mmfake.ContrastiveHead`.

    The keys are of the very inputs that the loss has seen, also if the data preprocessor draws
    (mixup, say): the hook keeps what it gave. The copy runs in training mode (batch statistics), as
    in MoCo. It moves once per optimizer step, also with gradient accumulation; a step that
    :class:`NonFiniteLossHook` skips leaves copy and queues as they are. (One that the loss scaler
    of float16 drops, in its search for a scale, does move the copy, towards weights that have not
    changed.) Model and ``state_dict`` never contain the copy or a queue; ``EMAHook`` would evaluate
    and save the averaged weights, here the main encoder is the detector. Everything the hook owns
    is saved in each checkpoint beside the model under ``label_moco`` and restored on resume, not on
    ``load_from``. It runs before ``CheckpointHook`` and needs no particular order with the others.

    A model has to offer ``contrastive_encoder()``, a module from inputs to one key per stream with
    the ``heads`` by stream, and ``attach_queues()``; see :class:`mmfake.DualStreamRecognizer`.

    Args:
        momentum (float): Share m of the old value that an EMA step keeps. Defaults to 0.999.
        queue_size (int): Slots K of each queue. Defaults to 2048.
        prefill (bool): Whether to fill the queues before the first iteration of a new run. It is
            done with the END of the first epoch: in the order of the sampler, a key of an anchor's
            own video has left the queue by the time the anchor comes. A queue that holds an epoch
            cannot be filled so, unless ``exclude_own_video`` is on. Defaults to False.
        exclude_own_video (bool): Whether keys of an anchor's own video, left in the queue by an
            earlier epoch, are in neither its positives nor its negatives. Defaults to False.

    Raises:
        MMFakeError: If an argument is out of range.
    """

    STATE_KEY = 'label_moco'

    def __init__(
        self,
        momentum: float = 0.999,
        queue_size: int = 2048,
        prefill: bool = False,
        exclude_own_video: bool = False,
    ) -> None:
        if not 0 < momentum < 1:
            raise MMFakeError(
                f'LabelMoCoHook: momentum must be between 0 and 1, but got {momentum}'
            )
        if queue_size < 1:
            raise MMFakeError(f'LabelMoCoHook: queue_size must be at least 1, but got {queue_size}')
        self.momentum = momentum
        self.queue_size = queue_size
        self.prefill = prefill
        self.exclude_own_video = exclude_own_video
        self.key_encoder: Optional[KeyEncoder] = None
        self.queues: Dict[str, LabelledQueue] = {}
        self._is_restored = False
        self._batch: Optional[Dict[str, Any]] = None  # as the data preprocessor gave it

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Restore key encoder and queues if the run is being resumed.

        Raises:
            MMFakeError: If a checkpoint to resume from has no such state.
        """
        if not runner._resume:
            return
        if self.STATE_KEY not in checkpoint:
            raise MMFakeError(
                f'the checkpoint to resume from has no {self.STATE_KEY!r} entry (key encoder and '
                'queues), so the run cannot go on as it was; start a new one from its weights '
                'with --cfg-options load_from=CHECKPOINT and without --resume.'
            )
        self._build(runner)
        state = checkpoint[self.STATE_KEY]
        self.key_encoder.load_state_dict(state['key_encoder'])
        for name, queue in self.queues.items():
            queue.load_state_dict(state['queues'][name])
        self._is_restored = True

    def before_train(self, runner: Runner) -> None:
        """Start the key encoder as a copy, after the weights were initialised or loaded.

        Raises:
            MMFakeError: If the model has no contrastive head, or the queues cannot be prefilled.
        """
        model = model_of(runner)
        # the keys need what the forward pass is given
        self._tap = model.data_preprocessor.register_forward_hook(self._keep)
        is_restored, self._is_restored = self._is_restored, False
        if not is_restored:
            self._build(runner)
        model.attach_queues(self.queues)
        if self.prefill and not is_restored:
            self._prefill(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Enqueue the keys of this batch, then move the key encoder if the optimizer has moved."""
        # 1. The model has computed the loss against the queues (ContrastiveHead), and the optimizer
        #    has made its step, unless the loss was not finite: then nothing happens here either.
        batch, self._batch = self._batch, None
        if runner.message_hub.runtime_info.get(NonFiniteLossHook.SKIPPED_KEY, False):
            return
        # 2. The key encoder of before the step encodes the same inputs: stream -> (N*M, D).
        # 3. The keys of all ranks enter the queues over the oldest ones.
        self._enqueue(runner, batch)
        # 4. The key encoder follows the encoder: k <- m k + (1 - m) q.
        if runner.optim_wrapper.should_update():
            self.key_encoder.update_parameters(_contrastive_encoder(runner))

    def after_train(self, runner: Runner) -> None:
        """Let go of the data preprocessor."""
        self._tap.remove()

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Put key encoder and queues beside the model; runs on rank 0, so nothing is gathered."""
        if self.key_encoder is None:
            return
        encoder = {name: value.cpu() for name, value in self.key_encoder.state_dict().items()}
        queues = {name: queue.state_dict() for name, queue in self.queues.items()}
        checkpoint[self.STATE_KEY] = dict(key_encoder=encoder, queues=queues)

    def _build(self, runner: Runner) -> None:
        """Copy the encoder and make empty queues."""
        source = _contrastive_encoder(runner)
        # mmengine's momentum is the share of the NEW value. Buffers follow the source: the copy
        # normalises with batch statistics, so its running ones are never used.
        self.key_encoder = KeyEncoder(source, momentum=1 - self.momentum)
        # update 0 of ExponentialMovingAverage copies instead of averaging; the copy is made already
        self.key_encoder.steps.fill_(1)
        self.key_encoder.train()
        if getattr(model_of(runner), 'trainable', None) is not None:
            # where the encoder keeps its statistics, so does its copy
            for name, _ in frozen_norms(source):
                self.key_encoder.module.get_submodule(name).eval()
        device = next(source.parameters()).device
        self.queues = {
            name: LabelledQueue(self.queue_size, head.out_channels, device, self.exclude_own_video)
            for name, head in source.heads.items()
        }

    def _keep(self, preprocessor: nn.Module, args: Tuple[Any, ...], batch: Dict[str, Any]) -> None:
        if preprocessor.training:
            self._batch = batch

    @torch.no_grad()
    def _enqueue(self, runner: Runner, batch: Dict[str, Any]) -> None:
        # the videos that could be read, each of their M clips a sample: N*M
        inputs, samples = readable(batch['inputs'], batch['data_samples'])
        samples = [sample for sample in samples for _ in range(inputs.shape[1])]
        # stream -> (N*M, D)
        keys = {name: queue.keys[:0] for name, queue in self.queues.items()}
        if samples or has_sync_norm(self.key_encoder):
            with runner.optim_wrapper.optim_context(runner.model):  # the training autocast
                keys = self.key_encoder(inputs)
        # videos, and the labels of each stream, side by side: (N*M, 1 + streams)
        heads = self.key_encoder.module.heads
        numbers = [videos_of(samples, 'cpu', self.exclude_own_video)]
        numbers += [labels_of(samples, heads[name].label_key, 'cpu') for name in self.queues]
        numbers = upload(torch.stack(numbers, dim=1), inputs.device)
        # every rank takes part, also one whose batch held nothing readable
        rows = torch.cat([keys[name] for name in self.queues], dim=1)  # (N*M, sum of D)
        rows, numbers = gather_rows(rows, numbers)
        widths = [queue.keys.shape[1] for queue in self.queues.values()]
        for index, (queue, part) in enumerate(zip(self.queues.values(), rows.split(widths, 1)), 1):
            queue.enqueue(part, numbers[:, index], numbers[:, 0])

    def _prefill(self, runner: Runner) -> None:
        """Enqueue the last batches of the epoch, as many as fill the queues."""
        loader, model = runner.train_dataloader, model_of(runner)
        # how many batches may go before them, from the number of samples of each rank
        size = loader.batch_size or 1  # None with a batch sampler of one's own
        samples = min(len(loader.sampler), len(loader) * size)
        first = (samples - math.ceil(self.queue_size / get_world_size())) // size
        if first < 1 and not self.exclude_own_video:
            raise MMFakeError(
                f'LabelMoCoHook: prefill needs an epoch that is at least a batch longer than the '
                f'queue of {self.queue_size}, or the first anchors meet keys of their own videos; '
                'take a smaller queue_size, or set exclude_own_video=True or prefill=False.'
            )
        # a loop that cannot enter an epoch in its middle loads the batches before, too
        after = getattr(runner.train_loop, 'batches_after', lambda done: islice(loader, done, None))
        for data_batch in after(max(first, 0)):
            self._enqueue(runner, model.data_preprocessor(data_batch, training=True))
        self._batch = None
        fill = min(queue.fill for queue in self.queues.values())
        print_log(f'LabelMoCoHook: queues prefilled to {fill:.0%}.', logger='current')


def _contrastive_encoder(runner: Runner) -> nn.Module:
    """The live encoder with its projection heads.

    Raises:
        MMFakeError: If the model has no contrastive head.
    """
    model = model_of(runner)
    encoder = getattr(model, 'contrastive_encoder', lambda: None)()
    if encoder is None:
        raise MMFakeError(
            'custom_hooks has a LabelMoCoHook, but the model has no ContrastiveHead to feed; '
            'remove the hook or add contrastive_head to a stream of the model.'
        )
    return encoder
