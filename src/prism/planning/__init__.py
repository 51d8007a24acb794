"""What an experiment will cost, before anything of it runs: time and disk of each method, from measured throughputs."""

from prism.planning.plan import measured_rows, plan_text

__all__ = ["measured_rows", "plan_text"]
