"""From samples to a model; the only place that turns records into text for a model."""
