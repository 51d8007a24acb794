"""Inversion: surrogate images made by optimising pixels against one or several frozen classifiers."""

REVISION = 2
