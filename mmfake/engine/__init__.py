"""Training machinery."""

from .atomic_local_backend import AtomicLocalBackend
from .brief_log_processor import BriefLogProcessor
from .resumable_train_loop import ResumableTrainLoop
from .seeded_stream import SeededStream

__all__ = ['AtomicLocalBackend', 'BriefLogProcessor', 'ResumableTrainLoop', 'SeededStream']
