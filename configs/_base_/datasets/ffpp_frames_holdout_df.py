_base_ = './ffpp_frames.py'

train_dataloader = dict(dataset=dict(holdout='df'))
val_dataloader = dict(dataset=dict(holdout='df'))
test_dataloader = dict(dataset=dict(holdout='df'))
