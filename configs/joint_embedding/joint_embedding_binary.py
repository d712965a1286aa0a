# Row (5) "binary templates": the first level alone, so that there is nothing to weigh.
_base_ = './joint_embedding.py'
model = dict(binary=dict(cls_head=dict(prompts=dict(levels=['binary']))))
custom_hooks = []
