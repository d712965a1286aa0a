"""mmfake: detectors of manipulated face videos for mmaction2.

Importing it checks the host's versions and makes its released wheels importable; that is light.
Every component is registered when the first of them is asked for, also by a config that names it
``mmfake.<Class>``, or by ``import mmfake.register``.
"""

from .compat.host import (
    check_versions,
    defer_seldom_imports,
    repair_missing_drn,
    repair_multimodal,
    silence_mmcv_lite,
)
from .errors import MMFakeError
from .version import __version__

check_versions()
silence_mmcv_lite()
repair_missing_drn()
repair_multimodal()
defer_seldom_imports()

_COMPONENTS = (
    'S3D',
    'AcceleratorHook',
    'AttributeForgery',
    'AlignmentUniformityHead',
    'BalancedSampler',
    'BriefLogProcessor',
    'CLIPImageEncoder',
    'CLIPTextEncoder',
    'ClipShapeHook',
    'ConcatDataset',
    'ContrastiveHead',
    'DeepfakeMetric',
    'DualStreamRecognizer',
    'DynamicWeightAverageHook',
    'EfficientNet',
    'FFPPDataset',
    'FidelityLoss',
    'GradientConflictHook',
    'GradientDetachNeck',
    'GraphPrompts',
    'JointPrompts',
    'LabelMoCoHook',
    'LoaderWaitHook',
    'MLPHead',
    'MultiInstanceInfoNCELoss',
    'NonFiniteLossHook',
    'PairedPrompts',
    'PairedSampler',
    'PinnedDataPreprocessor',
    'PerFrame',
    'Perturb',
    'PlanarColorJitter',
    'PreprocessingHook',
    'PromptHead',
    'ProtocolHook',
    'Recompress',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'SeededIterationHook',
    'SelfBlend',
    'UnreadableVideosHook',
    'ValidationThresholdHook',
    'VideoInit',
)
__all__ = [*_COMPONENTS, 'DeepfakeInferencer', 'MMFakeError', '__version__']


def __getattr__(name: str):
    """Import what needs torch and the host when it is asked for."""
    if name == 'DeepfakeInferencer':
        from .inference.deepfake_inferencer import DeepfakeInferencer

        return DeepfakeInferencer
    if name in _COMPONENTS:
        from . import register

        return getattr(register, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
