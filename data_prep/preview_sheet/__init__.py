"""Pictures of a prepared dataset."""
