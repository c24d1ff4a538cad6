"""The published training pipeline: its definition, its graph, its register step, and how it is published."""
