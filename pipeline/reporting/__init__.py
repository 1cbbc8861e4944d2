"""A page about a dataset: its figures, and examples to leaf through."""
