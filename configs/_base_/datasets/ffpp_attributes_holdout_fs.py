_base_ = './ffpp_attributes.py'

train_dataloader = dict(dataset=dict(dataset=dict(holdout='fs')))
val_dataloader = dict(dataset=dict(holdout='fs'))
test_dataloader = dict(dataset=dict(holdout='fs'))
