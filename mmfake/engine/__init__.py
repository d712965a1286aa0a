"""Training machinery."""

from ..datasets.samplers import SeededStream
from .brief_log_processor import BriefLogProcessor
from .checkpoint_files import AtomicLocalBackend
from .train_loop import ResumableTrainLoop

__all__ = ['AtomicLocalBackend', 'BriefLogProcessor', 'ResumableTrainLoop', 'SeededStream']
