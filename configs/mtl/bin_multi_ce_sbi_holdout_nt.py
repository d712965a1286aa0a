_base_ = [
    '../_base_/models/bin_multi_ce_sbi.py',
    '../_base_/datasets/ffpp_sbi_holdout_nt.py',
    '../_base_/schedules/adam_50e.py',
    '../_base_/default_runtime.py',
]
