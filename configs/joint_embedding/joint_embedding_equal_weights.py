# Row (3) "equal weights": lambda = 1 for every level, always.
_base_ = './joint_embedding.py'
custom_hooks = []
