"""One legible log line for the metrics of an epoch."""

from __future__ import annotations

import re
from typing import Tuple

from mmaction.registry import LOG_PROCESSORS
from mmengine.runner import LogProcessor


@LOG_PROCESSORS.register_module()
class BriefLogProcessor(LogProcessor):
    """Leaves out of a metric line what the table of :class:`mmfake.DeepfakeMetric` shows above it.

    That metric gives about ninety numbers with three methods (each with its interval, overall and
    per method). They all reach the logging backends; the line for people keeps the overall ones.
    Arguments are those of :class:`mmengine.runner.LogProcessor`.
    """

    def get_log_after_epoch(self, *args, **kwargs) -> Tuple[dict, str]:
        """Shorten the parent's line.

        Args:
            *args: As in the parent class.
            **kwargs: As in the parent class.

        Returns:
            tuple[dict, str]: Every value for the backends, and the line.
        """
        values, line = super().get_log_after_epoch(*args, **kwargs)
        # 'deepfake/df/auc: 0.5', 'deepfake/auc_low: 0.4', 'deepfake/n_scored: 64'
        hidden = r'[\w.]+/(?:[\w.]+/[\w.]+|\w+_(?:low|high)|n_\w+): \S+\s*'
        return values, re.sub(hidden, '', line)
