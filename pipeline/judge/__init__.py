"""Is this kernel right, honest and fast? The parent decides; the candidate's process never does."""
