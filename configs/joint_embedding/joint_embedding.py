# Row "default" of the paper's Table 3: trained on all four methods and the attribute forgeries.
_base_ = [
    '../_base_/models/clip_prompts.py',
    '../_base_/datasets/ffpp_attributes.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]
