"""Prompts: what the diffusion model is asked to draw, one line for each image."""

REVISION: int = 2
