"""The plant: one page that shows what goes on in the twins behind Slack, and lets people act in their portals.

`site.py` serves it; `workspace.py`, `labels.py` and `pipelines.py` read the twins; `acts.py` is what people can do,
`people.py` who they are there; `trouble.py` makes the twins misbehave, `speed.py` makes them wait less.
"""
