"""Which commands only tell: known before the rooms are loaded."""

ONLY_TELL = frozenset({"/runs", "/models", "/exports", "/publish", "/spotter"})
"""Commands that change nothing by being typed, and so may be acknowledged before Spotter is built."""
