"""The report of a run on videos: one HTML page without any other file."""

from .page import render_report, write_report

__all__ = ['render_report', 'write_report']
