# Regime "Binary Contrastive": only L_con^bin updates the encoder; a standalone classifier monitors
# it, and the gradients of its cross entropy are cut off before the embedding.
_base_ = './bin_ce_con.py'

model = dict(binary=dict(neck=dict(type='mmfake.GradientDetachNeck')))
