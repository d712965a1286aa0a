# Regime "Binary CE + Multi CE" with self-blended clips as a fifth class.
_base_ = './bin_multi_ce.py'

model = dict(multi=dict(cls_head=dict(num_classes=5)))
