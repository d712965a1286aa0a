# Three in ten training clips are degraded, one kind each, as the detector that joins images and
# prompts is trained. Without its fourth kind, patches, which are for stored faces of 256 px.
_base_ = '../bin_ce_holdout_f2f.py'
from mmfake.datasets.perturbed import perturb

perturb(_base_, 'train', ['noise', 'blur', 'pixelate'], level=[1, 2], prob=0.3)
