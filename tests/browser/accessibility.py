"""axe-core over a page, as WCAG 2.2 level AA asks: in light, in dark, and as wide as a telephone."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

AXE = Path(__file__).with_name("axe.min.js")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ALL: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}}
COLOURS: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What dark can break: a theme changes colours and nothing else."""
SHAPES: dict[str, Any] = ALL | {"rules": {rule: {"enabled": False} for rule in COLOURS["runOnly"]["values"]}}
"""What a narrow screen can break: everything but colours."""
RUN = """async ([options, within]) =>
    (await axe.run(within || document, {...options, resultTypes: ['violations']})).violations"""
UNSETTLED = ".loading, .htmx-request, .htmx-swapping, .htmx-settling"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


CUT = """() => [...document.querySelectorAll('.list-table tr')].filter((row) => row.offsetParent).flatMap((row) => {
    const edge = row.lastElementChild.getBoundingClientRect().left + 1;
    return [...row.cells].filter((cell) => cell.matches('.end') && cell.getBoundingClientRect().right > edge)
        .map((cell) => cell.textContent.trim());
})"""


def violations(
    page: Page, within: str | None = None, options: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return axe's findings on the page as it stands, or on the part that the selector ``within`` names."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN, [options or ALL, within])
    return found


def check_accessibility(
    page: Page, within: str | None = None, options: dict[str, Any] | None = None, where: str = ""
) -> None:
    """Fail with one line for each element that breaks a rule."""
    broken = [
        f"{rule['id']} ({rule['impact']}): {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in violations(page, within, options)
        for node in rule["nodes"]
    ]
    assert not broken, f"{page.url} is not accessible{where}:\n" + "\n".join(broken)


def check_everywhere(page: Page, within: str | None = None) -> None:
    """Check a page in light, in dark and on a narrow screen, where nothing may run off the side; then put it back."""
    expect(page.locator(UNSETTLED)).to_have_count(0)
    check_no_figure_is_cut(page)
    try:
        check_accessibility(page, within)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        check_accessibility(page, within, COLOURS, " in dark")
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size(NARROW)
        check_no_sideways_scrolling(page)
        if within is None:
            check_accessibility(page, None, SHAPES, " on a narrow screen")
    finally:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size(WIDE)


def check_no_figure_is_cut(page: Page) -> None:
    """Fail when a figure of a list lies under the menu of its row."""
    cut = page.evaluate(CUT)
    assert not cut, f"{page.url} cuts off {cut[:5]}"


def check_no_sideways_scrolling(page: Page) -> None:
    """Fail when the page is wider than the window."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window, f"{page.url} is {width} px wide in a window of {window}"
