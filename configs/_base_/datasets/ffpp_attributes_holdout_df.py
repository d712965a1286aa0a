_base_ = './ffpp_attributes.py'

train_dataloader = dict(dataset=dict(dataset=dict(holdout='df')))
val_dataloader = dict(dataset=dict(holdout='df'))
test_dataloader = dict(dataset=dict(holdout='df'))
