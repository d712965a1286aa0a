"""Data preparation: face clips, index, audit, preview, the rendered dataset."""
