"""`/runs [run]`: what runs, what ended, why it waits; details and cancel."""

from commands.runs.command import runs

__all__ = ["runs"]
