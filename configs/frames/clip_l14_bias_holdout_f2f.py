_base_ = [
    '../_base_/models/clip_l14_bias.py',
    '../_base_/datasets/ffpp_frames_224_holdout_f2f.py',
    '../_base_/schedules/adamw_restarts_30e.py',
    '../_base_/default_runtime.py',
]
