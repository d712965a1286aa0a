_base_ = './ffpp_attributes.py'

train_dataloader = dict(dataset=dict(dataset=dict(holdout='f2f')))
val_dataloader = dict(dataset=dict(holdout='f2f'))
test_dataloader = dict(dataset=dict(holdout='f2f'))
