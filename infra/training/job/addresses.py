"""The spellings of a place in a datastore. Needs nothing but Python 3.10."""

import re

IN_DATASTORE = re.compile(
    r"(?:azureml://(?:subscriptions/.+?/workspaces/[^/]+/)?datastores/(?P<store>[^/]+)/paths/"
    r"|AmlDatastore://(?P<old>[^/]+)/)(?P<path>.*)",
    re.IGNORECASE,
)


def name_of(address: str) -> str:
    """A picture's name in whichever workspace, as "datastore/path"; its address where it is in no datastore."""
    found = IN_DATASTORE.fullmatch(address)
    return f"{found['store'] or found['old']}/{found['path']}" if found else address
