"""Preparation: from raw videos to face clips and an index."""
