"""Inference: any video to results and a report."""
