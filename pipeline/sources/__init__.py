"""Where tasks come from: one file each, with a Config and a function ``read``."""
