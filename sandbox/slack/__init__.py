"""Slack on one machine, as strict as Slack.

`twin.py` puts it together; `api/` is what apps call, `people_side/` what people do, `page/` what they look at;
`blocks/` are Block Kit's rules. `link.py`, `socket_mode.py` and `http_mode.py` lead to the app.
"""
