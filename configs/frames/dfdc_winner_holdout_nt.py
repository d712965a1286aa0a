_base_ = [
    '../_base_/models/dfdc_winner.py',
    '../_base_/datasets/ffpp_frames_holdout_nt.py',
    '../_base_/schedules/sgd_poly_10k.py',
    '../_base_/default_runtime.py',
]
