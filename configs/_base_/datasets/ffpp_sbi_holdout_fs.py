_base_ = './ffpp_sbi.py'

train_dataloader = dict(dataset=dict(holdout='fs'))
val_dataloader = dict(dataset=dict(holdout='fs'))
test_dataloader = dict(dataset=dict(holdout='fs'))
