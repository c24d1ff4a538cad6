"""What must survive: tables, queries, the messages to show, the audit trail, migrations.

Every function takes the connection of an open transaction, so that a change, its audit row and the message
that tells of it are committed together or not at all.
"""
