_base_ = './ffpp_frames.py'

train_dataloader = dict(dataset=dict(holdout='nt'))
val_dataloader = dict(dataset=dict(holdout='nt'))
test_dataloader = dict(dataset=dict(holdout='nt'))
