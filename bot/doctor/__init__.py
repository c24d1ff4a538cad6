"""`spotter doctor`: looks at every setting and permission, changes nothing, and says what to do.

A module per service makes its checks; `checkup` runs them all at once; `report` shows what they found.
"""
