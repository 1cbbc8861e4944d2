"""Metrics, and the report on a run."""
