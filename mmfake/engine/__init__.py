"""Training machinery: configs, the train loop, checkpoint files and hooks."""
