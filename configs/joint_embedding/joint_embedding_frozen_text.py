# Row (2) "frozen text encoder": only the image encoder learns.
_base_ = './joint_embedding.py'
model = dict(binary=dict(cls_head=dict(train_text=False)))
