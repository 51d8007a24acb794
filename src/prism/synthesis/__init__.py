"""Synthesis: from prompts to shards of images, steered by the teacher."""

REVISION = 2
