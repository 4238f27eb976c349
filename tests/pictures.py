"""Takes the README's pictures of a running demo: `python -m tests.pictures LINK_OF_HR LINK_OF_MENTEE`.

Not a test. The links are those that `cadencia demo` prints; the pictures go to docs/.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import CHROMIUM_FLAGS, CHROMIUM_NAMES

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 1120, 860


def take_picture(browser: Browser, link: str, name: str) -> None:
    """Sign in by the link, and save what is seen first."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / name)
    page.close()


def main() -> None:
    """Take both pictures."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        take_picture(browser, sys.argv[1], "screenshot.png")
        take_picture(browser, sys.argv[2], "screenshot-pair.png")
        browser.close()


if __name__ == "__main__":
    main()
