"""Video: exact reading."""
