# Row (7) "joint templates": one text for each of 24 combinations, a softmax and its marginals.
_base_ = './joint_embedding.py'
prompts = dict(_delete_=True, type='mmfake.JointPrompts', scale=100.0)  # CLIP's trained scale
model = dict(binary=dict(cls_head=dict(prompts=prompts)))
