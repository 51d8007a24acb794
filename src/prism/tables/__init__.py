"""Tables and figures: put the numbers of every method side by side, each traceable to its files."""

# raise when a change of code changes tables or figures
REVISION = 5
