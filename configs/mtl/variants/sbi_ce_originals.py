# Training on originals alone: no manipulated video, not even to choose an epoch. It trains to the
# last epoch, without a validation, and tests on all four manipulations.
_base_ = '../sbi_ce_holdout_df.py'

train_dataloader = dict(dataset=dict(holdout=None))
test_dataloader = dict(dataset=dict(holdout=None))
val_dataloader = None
val_evaluator = None
val_cfg = None
