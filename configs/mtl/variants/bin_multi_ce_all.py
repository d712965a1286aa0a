# A detector to use, not to measure: trained on all four manipulations, none is left to test it as
# unseen. --holdout none does the same to any config of configs/mtl.
_base_ = [
    '../../_base_/models/bin_multi_ce.py',
    '../../_base_/datasets/ffpp.py',
    '../../_base_/schedules/adam_50e.py',
    '../../_base_/default_runtime.py',
]
model = dict(multi=dict(cls_head=dict(num_classes=5)))  # original + four manipulations
