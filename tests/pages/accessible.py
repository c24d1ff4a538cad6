"""What axe finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

MATTERS = ("serious", "critical")
AXE = Axe()


def barriers(page: Page) -> list[str]:
    """Serious and critical violations of what is shown now: rule, place, and what would mend it."""
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in found
        if violation["impact"] in MATTERS
        for node in violation["nodes"]
    ]
