"""How the known S3D weight files name the encoder's tensors."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

# torchvision and kylemin number the parts of the trunk: position in this tuple = their index
_STAGES = (
    *('Conv_1a', 'MaxPool_2a', 'Conv_2b', 'Conv_2c', 'MaxPool_3a', 'Mixed_3b', 'Mixed_3c'),
    *('MaxPool_4a', 'Mixed_4b', 'Mixed_4c', 'Mixed_4d', 'Mixed_4e', 'Mixed_4f'),
    *('MaxPool_5a', 'Mixed_5b', 'Mixed_5c'),
)
_TORCHVISION = (
    ('branch0.0.', 'branch0.'),  # its branch0 is no Sequential of one
    ('conv1.', '0.0.'),
    ('bn1.', '0.1.'),
    ('conv2.', '1.0.'),
    ('bn2.', '1.1.'),
    ('conv.', '0.'),
    ('bn.', '1.'),
)
_KYLEMIN = (('conv1.', 'conv_s.'), ('bn1.', 'bn_s.'), ('conv2.', 'conv_t.'), ('bn2.', 'bn_t.'))


class WeightLayout(NamedTuple):
    """One way of naming the tensors of S3D in a file.

    Attributes:
        title (str): What users call such a file.
        prefix (str): What stands before every name of the encoder.
        eps (float, optional): ``eps`` of the batch norms the weights were trained with. None:
            the file does not tell.
        renames (tuple[tuple[str, str]], optional): Replacements, in order, from our names inside
            a stage to the file's, whose stages are numbered. None: the file has our names.
            Defaults to None.
        marker (str): Prefix of some other tensor that such a file must hold. Defaults to ''.
    """

    title: str
    prefix: str
    eps: Optional[float]
    renames: Optional[Tuple[Tuple[str, str], ...]] = None
    marker: str = ''

    def names(self, key: str) -> Tuple[str, ...]:
        """List the names a file of this layout may give to one tensor.

        Args:
            key (str): Our name of the tensor, e.g. ``'Conv_1a.conv1.weight'``.

        Returns:
            tuple[str]: The file's name, then the alias under which CoCLR stores it once more.
        """
        stage, rest = key.split('.', 1)
        if self.renames is None:
            number, letter = stage[-2:]  # Mixed_4b -> block4.1
            return self.prefix + key, f'{self.prefix}block{number}.{"abcdef".index(letter)}.{rest}'
        for ours, theirs in self.renames:
            rest = rest.replace(ours, theirs)
        return (f'{self.prefix}{_STAGES.index(stage)}.{rest}',)


# The first that explains the most tensors is taken.
LAYOUTS = (
    WeightLayout('CoCLR pre-training', 'encoder_q.0.', 1e-5),
    WeightLayout('CoCLR fine-tuned', 'backbone.', 1e-5, marker='final_fc.'),
    WeightLayout('mmfake checkpoint', 'backbone.', None),
    WeightLayout('torchvision', 'features.', 1e-3, _TORCHVISION),
    WeightLayout('kylemin/S3D', 'base.', 1e-3, _KYLEMIN),
    WeightLayout('bare S3D', '', None),
)
