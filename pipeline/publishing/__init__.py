"""From a curated run to a folder that the Hub and ``datasets.load_dataset`` understand."""
