"""Datasets: protocol, index, FF++ tree, samplers and transforms."""
