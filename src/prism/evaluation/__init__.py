"""How good a synthesized set is: pure metrics on features, and the stage that measures one method."""

REVISION = 3  # raised when a change of code changes a number
