"""The miniature: a procedural world of 32x32 pictures whose every factor is known."""
