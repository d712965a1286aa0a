"""Hooks of training: one file each, but those that write facts into checkpoints."""
