"""Heads of the streams."""
