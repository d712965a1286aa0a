# Row "w/o aug": no degraded frames.
_base_ = './joint_embedding.py'
pipeline = [step for step in _base_.train_pipeline if step['type'] != 'RandomApply']
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=pipeline)))
