"""Pruning: a second use of synthesized images. A teacher that lost most of its weights learns from its whole self."""

REVISION = 2  # raised when a change of code changes a pruned network
