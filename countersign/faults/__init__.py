"""The real service under faults: `countersign faults` and what it is made of."""
