"""Relabelling: soft labels of one or several teachers for every view of every epoch, stored in 16 bits."""

REVISION = 1  # raised when a change of code changes a label
