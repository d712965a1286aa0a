# Row (10) "BCE": binary cross entropy in place of the fidelity loss.
_base_ = './joint_embedding.py'
model = dict(binary=dict(cls_head=dict(loss_cls=dict(type='BCELossWithLogits'))))
