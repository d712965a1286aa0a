# The same at the strongest compression.
_base_ = [
    '../../_base_/models/bin_multi_ce.py',
    '../../_base_/datasets/ffpp_c40.py',
    '../../_base_/schedules/adam_50e.py',
    '../../_base_/default_runtime.py',
]
model = dict(multi=dict(cls_head=dict(num_classes=5)))
