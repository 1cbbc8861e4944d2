"""What this process may use of its machine."""

import os


def cores() -> int:
    """Return how many cores this process may run on: fewer than there are in a container or under SLURM."""
    return len(os.sched_getaffinity(0))
