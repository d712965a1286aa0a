_base_ = [
    '../_base_/models/clip_prompts.py',
    '../_base_/datasets/ffpp_attributes_holdout_f2f.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]
