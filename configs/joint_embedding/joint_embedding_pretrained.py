# Row (1) "pre-trained CLIP": tested as it is, python tools/test.py THIS pretrained; never trained.
_base_ = './joint_embedding.py'
train_dataloader = train_cfg = optim_wrapper = param_scheduler = None
val_dataloader = val_cfg = val_evaluator = None
custom_hooks = []
