# Row (11) "probabilistic": marginals of a label graph (HEX), minus their logarithm as the loss.
_base_ = './joint_embedding.py'
model = dict(
    binary=dict(
        cls_head=dict(
            prompts=dict(type='mmfake.GraphPrompts'), loss_cls=dict(type='BCELossWithLogits')
        )
    )
)
