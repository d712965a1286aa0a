# Regime "Binary Contrastive + Multi Contrastive": L_con^bin + L_con^mult update the encoder, each
# with a projection head of its own; the standalone binary classifier monitors it.
_base_ = './bin_con.py'

model = dict(
    multi=dict(
        contrastive_head=dict(
            type='mmfake.ContrastiveHead',
            in_channels=1024,
            out_channels=128,
            label_key='label_multi',
            loss=dict(type='mmfake.MultiInstanceInfoNCELoss', temperature=0.07, loss_weight=1.0),
        ),
    ),
)
