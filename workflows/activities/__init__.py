"""Bodies of the activities: what the service does, written down by the worker's own login."""
