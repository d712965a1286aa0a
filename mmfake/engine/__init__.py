"""Training machinery."""

from .brief_log_processor import BriefLogProcessor

__all__ = ['BriefLogProcessor']
