"""Records of timelines in the shape that Azure DevOps has."""

from typing import Any


def record(of: str, name: str, below: str | None = None, **about: Any) -> dict[str, Any]:
    """A timeline record; its id is its name, unless told otherwise."""
    return {
        "id": name,
        "parentId": below,
        "type": of,
        "name": name,
        "state": "pending",
        "result": None,
        "order": 1,
        "percentComplete": None,
        "log": None,
        **about,
    }


def done(result: str = "succeeded") -> dict[str, Any]:
    return {"state": "completed", "result": result}
