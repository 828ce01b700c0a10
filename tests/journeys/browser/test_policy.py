"""What the server lets a page do."""

from __future__ import annotations

from tests.journeys.browser.conftest import Open

INLINE = """() => {
  const script = document.createElement('script');
  script.textContent = 'window.wasRun = true';
  document.head.append(script);
  return window.wasRun === true;
}"""


def test_a_script_that_somebody_slipped_into_a_page_does_not_run(at_a_desk: Open) -> None:
    """The policy holds, and what breaks it is heard: every other test would fail of it."""
    gp = at_a_desk("gp")
    policy = gp.page.request.get("/").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert gp.faults == []
    gp.expects("(?i)content security policy")
    assert gp.page.evaluate(INLINE) is False
    gp.page.wait_for_function("() => window.refused === 'script-src-elem'")
    assert any("content security policy: script-src" in line for line in gp.console)
