# Row (6) "two levels": binary and global.
_base_ = './joint_embedding.py'
model = dict(binary=dict(cls_head=dict(prompts=dict(levels=['binary', 'global']))))
custom_hooks = [
    dict(
        type='mmfake.DynamicWeightAverageHook',
        losses=['binary.loss_binary', 'binary.loss_global'],
    ),
]
