"""The one kind of failure that a person can act on."""


class TrainingError(Exception):
    """Training cannot go on; the message is what the run's owner reads, in AutoML's own words where it has some."""
