"""Label-informed momentum contrast as a hook."""

from __future__ import annotations

from typing import Any, Dict, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather, get_world_size
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.model import ExponentialMovingAverage, is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...datasets.unreadable import readable
from ...errors import MMFakeError
from ...models.heads.targets import labels_of
from ...models.labelled_queue import LabelledQueue
from .non_finite_loss_hook import NonFiniteLossHook


def gather_rows(rows: Tensor) -> Tensor:
    """Concatenate the rows of all ranks, in the order of the ranks.

    ``all_gather`` needs equal shapes, but a rank whose batch held an unreadable video has fewer
    rows: they are padded for the exchange and cut back after it.

    Args:
        rows (Tensor): ``(N_rank, ...)``.

    Returns:
        Tensor: ``(sum of N_rank, ...)``, the same on every rank.
    """
    if get_world_size() == 1:
        return rows
    counts = torch.cat(all_gather(torch.tensor([len(rows)], device=rows.device))).tolist()
    padded = rows.new_zeros(max(counts), *rows.shape[1:])
    padded[: len(rows)] = rows
    return torch.cat([part[:count] for part, count in zip(all_gather(padded), counts)])


@HOOKS.register_module()
class LabelMoCoHook(Hook):
    """Owns the key encoder and the labelled queues of the contrastive streams.

    Label-informed MoCo (arXiv 2308.13503, 2.1.2): after each training iteration the exponential
    moving average (EMA) of encoder and projection heads encodes the batch, and its keys enter one
    queue per contrastive stream with the label of that stream. The loss of an iteration therefore
    meets keys of EARLIER iterations only. Keys and labels are gathered over all ranks, so that
    every rank holds the same queue.

    The copy runs in training mode (batch statistics), as in MoCo. It moves once per optimizer
    step, also with gradient accumulation; a step that :class:`NonFiniteLossHook` skips leaves copy
    and queues as they are. (One that the loss scaler of float16 drops, in its search for a scale,
    does move the copy, towards weights that have not changed.) Model and ``state_dict`` never
    contain the copy or a queue; ``EMAHook`` would evaluate and save the averaged weights, here the
    main encoder is the detector. Everything the hook owns is saved in each checkpoint beside the
    model under ``label_moco`` and restored on resume, not on ``load_from``. It runs before
    ``CheckpointHook`` and needs no particular order with the other hooks.

    Args:
        momentum (float): Share m of the old value that an EMA step keeps. Defaults to 0.999.
        queue_size (int): Slots K of each queue. Defaults to 2048.
        prefill (bool): Whether to fill the queues from the training loader before the first
            iteration of a new run. Defaults to False.
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
        self.key_encoder: Optional[ExponentialMovingAverage] = None
        self.queues: Dict[str, LabelledQueue] = {}
        self._resumed: Optional[Dict[str, Any]] = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Keep the saved state if the run is being resumed.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The loaded checkpoint.

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
        self._resumed = checkpoint[self.STATE_KEY]

    def before_train(self, runner: Runner) -> None:
        """Copy the encoder and build the queues, after the weights were initialised or loaded.

        Args:
            runner (Runner): The runner.

        Raises:
            MMFakeError: If the model has no contrastive head, or the resumed queue does not fit.
        """
        source = _contrastive_encoder(runner)
        # mmengine's momentum is the share of the NEW value. Buffers follow the source: the copy
        # normalises with batch statistics, so its running ones are never used.
        self.key_encoder = ExponentialMovingAverage(source, momentum=1 - self.momentum)
        # update 0 of ExponentialMovingAverage copies instead of averaging; the copy is made already
        self.key_encoder.steps.fill_(1)
        self.key_encoder.train()
        device = next(source.parameters()).device
        self.queues = {
            name: LabelledQueue(self.queue_size, head.out_channels, device, self.exclude_own_video)
            for name, head in source.heads.items()
        }
        _unwrap(runner).attach_queues(self.queues)
        if self._resumed is not None:
            self._restore(self._resumed)
            self._resumed = None
        elif self.prefill:
            self._prefill(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Enqueue the keys of this batch, then move the key encoder if the optimizer has moved.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Index of the batch in the epoch.
            data_batch (dict): The batch as the loader gave it. Defaults to None.
            outputs (dict, optional): Unused. Defaults to None.
        """
        if runner.message_hub.runtime_info.get(NonFiniteLossHook.SKIPPED_KEY, False):
            return
        self._enqueue(runner, data_batch)
        if runner.optim_wrapper.should_update():
            self.key_encoder.update_parameters(_contrastive_encoder(runner))

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Put key encoder and queues beside the model; runs on rank 0, so nothing is gathered.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint about to be saved.
        """
        if self.key_encoder is None:
            return
        encoder = {name: value.cpu() for name, value in self.key_encoder.state_dict().items()}
        queues = {name: queue.state_dict() for name, queue in self.queues.items()}
        checkpoint[self.STATE_KEY] = dict(key_encoder=encoder, queues=queues)

    @torch.no_grad()
    def _enqueue(self, runner: Runner, data_batch: DATA_BATCH) -> None:
        model = _unwrap(runner)
        data = model.data_preprocessor(data_batch, training=True)
        inputs, samples = readable(data['inputs'], data['data_samples'])
        samples = [sample for sample in samples for _ in range(inputs.shape[1])]  # N*M
        keys = {name: queue.keys[:0] for name, queue in self.queues.items()}
        if samples:
            with runner.optim_wrapper.optim_context(runner.model):  # the training autocast
                keys = self.key_encoder(inputs)  # stream -> (N*M, D)
        for name, queue in self.queues.items():
            label_key = model.streams[name].contrastive_head.label_key
            labels = labels_of(samples, label_key, inputs.device)
            videos = labels_of(samples, 'sample_idx', inputs.device, default=-1)
            # every rank takes part, also one whose batch held nothing readable
            queue.enqueue(gather_rows(keys[name]), gather_rows(labels), gather_rows(videos))

    def _prefill(self, runner: Runner) -> None:
        for data_batch in runner.train_dataloader:
            self._enqueue(runner, data_batch)
            if all(queue.fill == 1 for queue in self.queues.values()):
                break
        fill = min(queue.fill for queue in self.queues.values())
        print_log(f'LabelMoCoHook: queues prefilled to {fill:.0%}.', logger='current')

    def _restore(self, state: Dict[str, Any]) -> None:
        try:
            self.key_encoder.load_state_dict(state['key_encoder'])
            for name, queue in self.queues.items():
                queue.load_state_dict(state['queues'][name])
        except (KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise MMFakeError(
                f'LabelMoCoHook: the checkpoint to resume from was written with another config '
                f'({reason}); resume with the config it was trained with.'
            ) from None


def _unwrap(runner: Runner) -> nn.Module:
    """The recognizer, without a DistributedDataParallel around it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _contrastive_encoder(runner: Runner) -> nn.Module:
    """The live encoder with its projection heads.

    Raises:
        MMFakeError: If the model has no contrastive head.
    """
    model = _unwrap(runner)
    encoder = getattr(model, 'contrastive_encoder', lambda: None)()
    if encoder is None:
        raise MMFakeError(
            'custom_hooks has a LabelMoCoHook, but the model has no ContrastiveHead to feed; '
            'remove the hook or add contrastive_head to a stream of the model.'
        )
    return encoder
