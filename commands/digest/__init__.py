"""`/digest`: what a channel is told on schedule, ranked by what needs someone.

| file | holds |
|---|---|
| command.py | the command: what is typed, and the buttons |
| meant.py | which digest is meant, and whose it is |
| setting.py | setting a digest: the form, time zones, where it may be posted |
| sending.py | sends what is due, once for each due time |
| content.py, models.py | what there is to tell, from the store |
| messages.py, listing.py | how it is told; how the digests of a channel are listed |
"""

from commands.digest.command import digest

__all__ = ["digest"]
