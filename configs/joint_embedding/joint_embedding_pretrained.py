# Row (1) "pre-trained CLIP": the default before any training. It is tested and not trained:
#   python tools/test.py configs/joint_embedding/joint_embedding_pretrained.py pretrained
_base_ = './joint_embedding.py'
