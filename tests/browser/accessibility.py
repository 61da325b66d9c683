"""axe-core over a page, as WCAG 2.2 level AA asks."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).with_name("axe.min.js")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ([tags, within]) => {
    const options = {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']};
    return (await axe.run(within || document, options)).violations;
}"""


def violations(page: Page, within: str | None = None) -> list[dict[str, Any]]:
    """Return axe's findings on the page as it stands, or on the part that the selector ``within`` names."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN, [TAGS, within])
    return found


def check_accessibility(page: Page, within: str | None = None) -> None:
    """Fail with one line for each element that breaks a rule."""
    broken = [
        f"{rule['id']} ({rule['impact']}): {' '.join(node['target'])}: {node['failureSummary']}"
        for rule in violations(page, within)
        for node in rule["nodes"]
    ]
    assert not broken, f"{page.url} is not accessible:\n" + "\n".join(broken)
