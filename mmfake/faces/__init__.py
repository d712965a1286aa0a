"""Faces: detectors, tracks and crops."""
