"""Necks between the encoder and the heads."""
