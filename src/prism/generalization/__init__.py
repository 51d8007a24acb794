"""Generalization: how far a student's accuracy carries over to other domains and to damaged images."""

REVISION = 1  # raised when a change of code changes an accuracy
