"""Evaluation: video metrics with confidence intervals, comparisons and tables; draws nothing."""
