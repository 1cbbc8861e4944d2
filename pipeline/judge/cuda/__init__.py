"""Builds, runs and times candidates on an NVIDIA GPU: the truth, and the only backend that times."""
