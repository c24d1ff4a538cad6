"""Runs pipelines: stages, checks, agents, processes."""
