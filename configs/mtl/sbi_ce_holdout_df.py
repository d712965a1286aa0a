_base_ = [
    '../_base_/models/sbi_ce.py',
    '../_base_/datasets/ffpp_sbi_holdout_df.py',
    '../_base_/schedules/adam_50e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(methods=[]))  # originals and their blends, no manipulation
