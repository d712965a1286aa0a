"""Commands on top of the package."""

from .run_command import run_command
from .test_detector import test_detector
from .train_detector import train_detector

__all__ = ['run_command', 'test_detector', 'train_detector']
