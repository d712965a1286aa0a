_base_ = './ffpp_sbi.py'

train_dataloader = dict(dataset=dict(holdout='df'))
val_dataloader = dict(dataset=dict(holdout='df'))
test_dataloader = dict(dataset=dict(holdout='df'))
