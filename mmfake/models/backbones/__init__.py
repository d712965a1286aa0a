"""Encoders of face clips and the weight files they start from."""

from .s3d import S3D

__all__ = ['S3D']
