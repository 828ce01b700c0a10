"""Somebody at a browser: signs in, looks, types and presses as a person does, and keeps what the browser complained of."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PASSWORD = "yilian-demo"


class Size(NamedTuple):
    width: int
    height: int


DESKTOP = Size(1366, 768)
PHONE = Size(390, 844)

WATCH = """
(() => {
  const fetched = window.fetch;
  window.underWay = 0;
  window.lastDone = performance.now();
  window.fetch = (...asked) => {
    window.underWay += 1;
    const done = () => { window.underWay -= 1; window.lastDone = performance.now(); };
    const answer = fetched(...asked);
    answer.then(done, done);
    return answer;
  };
  document.addEventListener('securitypolicyviolation', (event) => {
    window.refused = event.effectiveDirective;
    console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
  });
})();
"""
"""Counts what is being fetched, and tells of what the content security policy refused."""

QUIET = """() => document.querySelector('h1, [role="alert"]') && window.underWay === 0 && performance.now() - window.lastDone > 120
  && !document.querySelector('[aria-busy="true"]') && document.fonts.status === 'loaded'"""


class Desk:
    def __init__(self, chromium: Browser, url: str, who: str, size: Size, known: Set[str] = frozenset(), *, motion: bool = False) -> None:
        self.who = who
        self.size = size
        self.known = known
        self._pictures: list[tuple[str, bytes]] = []
        self._expected: list[str] = []
        self._complaints: list[str] = []
        self.console: list[str] = []
        phone = size == PHONE
        self._context = chromium.new_context(
            base_url=url,
            viewport={"width": size.width, "height": size.height},
            locale="zh-CN",
            timezone_id="America/New_York",  # the pages show the region's time wherever they are read
            is_mobile=phone,
            has_touch=phone,
            reduced_motion="no-preference" if motion else "reduce",  # on a busy machine what moves has gone between press and release
        )
        self._context.add_init_script(WATCH)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))
        self.page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        self.console.append(f"{message.type}: {message.text} ({where})")
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.text} ({where})")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self._complaints.append(f"{response.status} {response.url}")

    def expects(self, complaint: str) -> None:
        """From now on complaints with this pattern are right."""
        self._expected.append(complaint)

    @property
    def faults(self) -> list[str]:
        return [one for one in self._complaints if not any(re.search(right, one) for right in self._expected)]

    def keep(self, place: Path) -> None:
        """A picture of the screen and what the console said."""
        place.with_suffix(".txt").write_text(
            f"{self.page.url}\n\n" + "\n".join([*self.console, *self._complaints]) + "\n", encoding="utf-8"
        )
        if self.page.is_closed():
            return
        self.page.screenshot(path=place.with_suffix(".png"), timeout=5_000)
        for name, picture in self._pictures:
            place.with_name(re.sub(r"\W+", "-", name)[:80] + ".png").write_bytes(picture)

    def picture(self, name: str) -> None:
        """Keep the screen as it is now, should the test fail."""
        self._pictures.append((name, self.page.screenshot(timeout=5_000)))

    def leave(self) -> None:
        self._context.close()

    # --- going about

    def sign_in(self, password: str = PASSWORD) -> None:
        self.page.goto("/")
        self.page.get_by_label("用户名").fill(self.who)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.page.get_by_role("button", name="登录").click()
        self.arrives("/(desk|statistics)?")  # the first page of the post

    def go(self, address: str) -> None:
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until everything that was asked for is shown."""
        self.page.wait_for_function(QUIET)

    def arrives(self, address: str) -> None:
        """Wait until a page with this address is shown; a regular expression, from its beginning to its end."""
        self.page.wait_for_url(re.compile(rf"^https?://[^/]+{address}$"))
        self.settle()

    @property
    def address(self) -> str:
        return re.sub(r"^https?://[^/]+", "", self.page.url)

    # --- what is there

    def sees(self, *texts: str) -> None:
        """Each of these is on the page, or comes to be in a moment."""
        for text in texts:
            try:
                self.page.wait_for_function("text => document.body.innerText.includes(text)", arg=text, timeout=15_000)
            except PlaywrightTimeout:
                raise AssertionError(f"{self.who} does not see {text!r} at {self.address}, but {self._front()!r}") from None

    def _front(self) -> str:
        """What is said in front of the page: in the form that is open, in messages; else on the page itself."""
        said = self.page.locator(".ant-drawer-content, .ant-drawer-section, .ant-modal, [role=alert]").all_inner_texts()
        return " | ".join(text for text in said if text.strip()) or self.page.inner_text("body")[:400]

    def sees_nothing_of(self, text: str) -> None:
        assert text not in self.page.inner_text("body"), f"{self.who} sees {text!r} at {self.address}"

    def field(self, name: str) -> Locator:
        """The part of a form with this name."""
        return self.page.locator(f'[data-field="{name}"]')

    def panel(self, title: str) -> Locator:
        return self.page.locator("section").filter(has=self.page.get_by_role("heading", name=title, exact=True))

    # --- what one does

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=re.compile(rf"^(\w+ )?{re.escape(name)}$")).click()  # an icon may say its name before it

    def write(self, field: str, text: str) -> None:
        self.field(field).locator("textarea, input:not([type=hidden])").first.fill(text)

    def choose(self, field: str, typed: str, option: str, place: int = 0) -> None:
        """Type into a choice of a form and take the option that says so."""
        self.pick(self.field(field).get_by_role("combobox").nth(place), typed, option)

    def pick(self, box: Locator, typed: str, option: str) -> None:
        """Type into a choice and take the option that says so: once the list is there and stands still, as one reads before one presses."""
        if box.get_attribute("aria-expanded") != "true":
            box.click()
        if typed:
            box.press_sequentially(typed)
        self.settle()
        offered = self.page.locator(f'.ant-select-dropdown:has([id="{box.get_attribute("aria-controls")}"])')
        self._stands_still(offered)
        offered.locator(".ant-select-item-option", has_text=option).first.click()
        chosen = box.locator("xpath=ancestor::*[contains(concat(' ', @class, ' '), ' ant-select ')][1]")
        expect(chosen).to_contain_text(option)  # what was pressed was taken
        several = "ant-select-multiple" in (chosen.get_attribute("class") or "")
        if several and box.get_attribute("aria-expanded") == "true":  # or Escape would close the form around it
            box.press("Escape")
        expect(offered).not_to_be_visible()

    def _stands_still(self, offered: Locator) -> None:
        """Wait until a list is not being narrowed any more by what was typed: one reads before one presses."""
        before, now = "", offered.inner_text()
        while before != now:
            self.page.wait_for_timeout(150)
            before, now = now, offered.inner_text()

    def act(self, action: str) -> None:
        """Press the button of an action below the case."""
        self.page.locator(f'button[data-action="{action}"]').click()

    def confirm(self) -> None:
        """Send the small form that is open, and wait until it was taken."""
        drawer = self.page.locator(".ant-drawer-section, .ant-drawer-content").last
        drawer.locator("button.ant-btn-primary").last.click()
        expect(self.page.locator(".ant-drawer-open")).to_have_count(0)
        self.settle()

    def close_form(self) -> None:
        """Leave the small form without sending it."""
        self.page.locator(".ant-drawer-open .ant-drawer-close").click()
        expect(self.page.locator(".ant-drawer-open")).to_have_count(0)
