"""Names in a sentence."""

from collections.abc import Sequence

NAMES_SHOWN = 5


def listed(names: Sequence[str], last: str = "or") -> str:
    """The first of some names, and how many more there are."""
    shown = list(names[:NAMES_SHOWN])
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
