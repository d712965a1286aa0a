# Row "baseline": the prompt "fake" alone, without its opposite; cross entropy, no degraded frames.
_base_ = './joint_embedding_no_aug.py'
model = dict(
    binary=dict(
        cls_head=dict(
            prompts=dict(levels=['binary'], one_sided=['binary']),
            loss_cls=dict(type='BCELossWithLogits'),
        )
    )
)
custom_hooks = []
