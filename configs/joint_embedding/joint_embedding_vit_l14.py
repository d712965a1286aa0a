# Row (9) "ViT-L/14".
_base_ = './joint_embedding.py'
clip = 'openai/clip-vit-large-patch14'
model = dict(
    backbone=dict(backbone=dict(pretrained=clip)),
    binary=dict(cls_head=dict(text=dict(pretrained=clip))),
)
