"""Encoders of face clips and frames."""
