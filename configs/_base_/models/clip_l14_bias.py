# The same with the 272,384 biases of the encoder trained instead of its layer norms (0.09 %), those
# of the norms among them, with cross entropy alone: what BiasConsist trains. Its second loss, the
# Kullback-Leibler divergence between a weak and a strong view of a frame, is not part of this.
_base_ = './clip_l14_ln.py'

model = dict(trainable=[r'^backbone\..*\.bias$', '^binary'], binary=dict(head=None))
