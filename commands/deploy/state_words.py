"""How a request and its rings stand, in words."""

from storage.deployments import Deployment

ENDS = {
    "rejected": "rejected",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "stale": "out of date",
}
RING_STATES = {
    "wanted": "is next",
    "queueing": "is being handed to Azure DevOps",
    "queued": "is being built and shipped",
    "rolling": "is rolling out",
    "baking": "is being watched",
    "done": "done",
    "failed": "failed",
    "undone": "taken back",
}
SETTLED = {  # of the others their outcome says it all
    "approved": "It is approved already.",
    "shipping": "It is approved already, and on its way.",
    "shipped": "It is approved already, and on all devices.",
    "rolling_back": "It was approved, and is being rolled back.",
    "rolled_back": "It was approved, and then rolled back.",
    "failed": "It was approved, but could not be shipped.",
    "rejected": "It is rejected already.",
    "expired": "It has expired.",
    "stale": "It is out of date.",
}


def standing(deployment: Deployment) -> str:
    """Where a decided request stands, in a few words without markup."""
    if deployment.state == "approved":
        return "approved, waits to be shipped" if deployment.waiting else "approved"
    if deployment.state == "shipping":
        ring = next((each for each in deployment.rings or [] if each["state"] != "done"), None)
        return f"{ring['name']} {RING_STATES[ring['state']]}" if ring else "all rings done"
    return {
        "shipped": "on all devices",
        "rolling_back": "being rolled back",
        "rolled_back": "rolled back",
        "failed": "not shipped",
        "preparing": "asked for",
        "waiting": "waiting for approval",
        **ENDS,
    }[deployment.state]


def settled(deployment: Deployment) -> str:
    """Why nobody can decide about it any more."""
    return f"{SETTLED.get(deployment.state, '')} {deployment.outcome or ''}".strip()
