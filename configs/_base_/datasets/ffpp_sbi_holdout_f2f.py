_base_ = './ffpp_sbi.py'

train_dataloader = dict(dataset=dict(holdout='f2f'))
val_dataloader = dict(dataset=dict(holdout='f2f'))
test_dataloader = dict(dataset=dict(holdout='f2f'))
