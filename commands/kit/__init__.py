"""What every command is made from: declarations, forms, messages, roles, words.

| file | holds |
|---|---|
| command.py | `Command`: arguments, role, handler, checks, buttons, followers, declared once |
| forms.py, inline.py | the modal and the typed form that follow from the declaration |
| blocks.py, words.py | messages within Slack's limits; numbers, times and names as people read them |
| people.py, policy.py | who may do what; what `spotter.toml` says |
| errors.py, health.py, clock.py, services.py | what a room is handed, and what it raises |
"""
