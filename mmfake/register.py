"""Registration of every component; configs name this module in ``custom_imports``."""

from .compat.checkpoints import repair_checkpoint_loading
from .compat.host import repair_cpu_amp, repair_cpu_distributed
from .datasets.concat_dataset import ConcatDataset
from .datasets.ffpp_dataset import FFPPDataset
from .datasets.samplers import BalancedSampler, PairedSampler
from .datasets.transforms.attribute_forgery import AttributeForgery
from .datasets.transforms.perturb import Perturb
from .datasets.transforms.planar_color_jitter import PlanarColorJitter
from .datasets.transforms.recompress import Recompress
from .datasets.transforms.self_blend import SelfBlend
from .datasets.transforms.video_init import VideoInit
from .engine.brief_log_processor import BriefLogProcessor
from .engine.checkpoint_files import AtomicLocalBackend
from .engine.hooks.accelerator_hook import AcceleratorHook
from .engine.hooks.checkpoint_facts import ClipShapeHook, ProtocolHook
from .engine.hooks.dynamic_weight_average_hook import DynamicWeightAverageHook
from .engine.hooks.gradient_conflict_hook import GradientConflictHook
from .engine.hooks.label_moco_hook import LabelMoCoHook
from .engine.hooks.loader_wait_hook import LoaderWaitHook
from .engine.hooks.non_finite_loss_hook import NonFiniteLossHook
from .engine.hooks.preprocessing_hook import PreprocessingHook
from .engine.hooks.safe_checkpoint_hook import SafeCheckpointHook
from .engine.hooks.seeded_iteration_hook import SeededIterationHook
from .engine.hooks.unreadable_videos_hook import UnreadableVideosHook
from .engine.hooks.validation_threshold_hook import ValidationThresholdHook
from .engine.train_loop import ResumableTrainLoop
from .evaluation.deepfake_metric import DeepfakeMetric
from .models.backbones.clip import CLIPImageEncoder, CLIPTextEncoder
from .models.backbones.efficientnet import EfficientNet
from .models.backbones.per_frame import PerFrame
from .models.backbones.s3d import S3D
from .models.heads.alignment_uniformity_head import AlignmentUniformityHead
from .models.heads.contrastive_head import ContrastiveHead
from .models.heads.mlp_head import MLPHead
from .models.heads.prompt_head import PromptHead
from .models.heads.prompts import GraphPrompts, JointPrompts, PairedPrompts
from .models.losses.fidelity_loss import FidelityLoss
from .models.losses.multi_instance_info_nce_loss import MultiInstanceInfoNCELoss
from .models.necks.gradient_detach_neck import GradientDetachNeck
from .models.pinned_data_preprocessor import PinnedDataPreprocessor
from .models.recognizers.dual_stream_recognizer import DualStreamRecognizer

# the repairs that need the host loaded; those it needs to be loaded are made by ``import mmfake``
repair_checkpoint_loading()
repair_cpu_distributed()
repair_cpu_amp()

__all__ = [
    'S3D',
    'AcceleratorHook',
    'AlignmentUniformityHead',
    'AtomicLocalBackend',
    'AttributeForgery',
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
]
