"""Reads pipeline YAML: a subset, and what is outside of it is refused by its line."""
