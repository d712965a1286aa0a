# Row (4) "no contrastive pairs": no opposites but that of the binary level, fake and real.
_base_ = './joint_embedding.py'
model = dict(binary=dict(cls_head=dict(prompts=dict(one_sided=['global', 'local']))))
