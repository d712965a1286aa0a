"""Renderer of a small FaceForensics++-shaped dataset of parametric talking faces."""
