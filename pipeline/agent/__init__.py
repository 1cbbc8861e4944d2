"""The agent loop: ask for a kernel, show what the judge found, ask again."""
