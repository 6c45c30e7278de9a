"""The reward for verl: the lab's, which exact arithmetic decides."""

from aha_lab.rewards import compute_score

__all__ = ["compute_score"]
