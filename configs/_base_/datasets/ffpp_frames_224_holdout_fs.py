_base_ = './ffpp_frames_224.py'

train_dataloader = dict(dataset=dict(holdout='fs'))
val_dataloader = dict(dataset=dict(holdout='fs'))
test_dataloader = dict(dataset=dict(holdout='fs'))
