"""Distillation: a student learns to answer as the teacher does, on synthesized images alone."""

REVISION = 1  # raised when a change of code changes a student
