# Row (8) "ViT-B/16".
_base_ = './joint_embedding.py'
clip = 'openai/clip-vit-base-patch16'
model = dict(
    backbone=dict(backbone=dict(pretrained=clip)),
    binary=dict(cls_head=dict(text=dict(pretrained=clip))),
)
