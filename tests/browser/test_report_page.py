"""The page of `report` in a real browser: from a phone to a screen, in light and dark."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.past import NAMES, fill
from tests.support.terminal import command
from tests.support.values import NOW

FORMS = [(width, dark) for width in (1280, 390) for dark in (False, True)]
HOSTILE = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "</title></style><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "&lt;b&gt; & <b>bold</b>",
    "\u202eesrever\u202c \x1b[31mred\x07 \x00",
    "A" * 4000,
    "Straße 東京 \N{PILE OF POO} e\u0301" + "\u0301" * 300,
    "{{7*7}} ${7*7} <!-- -->]]>",
    " ",
)
"""Names that an incident may have."""

OVERLAPS = """
(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node; node = walker.nextNode();) {
    const around = node.parentElement;
    if (!node.data.trim() || around.closest('svg, caption, details:not([open]) > :not(summary)')) continue;
    if (getComputedStyle(around.closest('thead') || around).clipPath !== 'none') continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 1) boxes.push([node.data.trim().slice(0, 40), box, node]);
  }
  const found = [];
  boxes.forEach(([text, one, node], at) => boxes.slice(at + 1).forEach(([other, two, that]) => {
    const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
    const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    if (node !== that && across > 1 && down > 3) found.push(text + ' / ' + other);
  }));
  return found.slice(0, 5).concat(boxes.length < 50 ? ['too few texts: ' + boxes.length] : []);
})()
"""
WIDER = """
[...document.querySelectorAll('body *')].filter(one => !one.closest('caption, .cards thead, details'))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 80)).slice(0, 5)
"""
PALE = """
(() => {
  const channels = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = colour => channels(colour).slice(0, 3)
    .map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, at) => sum + x * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (channels(colour).length === 3 || channels(colour)[3] === 1) return colour;
    }
    return 'rgb(255,255,255)';
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    if (one.closest('svg') || ![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const [high, low] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) found.push(one.textContent.slice(0, 40) + ': ' + ratio.toFixed(2));
  }
  return found.slice(0, 5);
})()
"""


def made(database: Path, names: Sequence[str] = NAMES) -> Path:
    """The page over the last thirty days."""
    fill(database, 300, names)
    page = database.with_name("report.html")
    written = command(database, f"report --utc --since 2026-10-24 --until {NOW:%Y-%m-%dT%H:%M}Z --html {page}")
    assert written.exit_code == 0, written.output
    return page


@pytest.mark.parametrize(("width", "dark"), FORMS)
def test_nothing_overlaps_runs_out_of_the_window_or_is_too_pale(
    browser: Browser, database: Path, width: int, dark: bool
) -> None:
    browser.show(made(database), width, 900, dark=dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(WIDER) == []
    assert browser.value(OVERLAPS) == []
    assert browser.value(PALE) == []
    background = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) is dark, background


@pytest.mark.parametrize(("width", "dark"), FORMS)
def test_hostile_names_are_texts_that_fit(browser: Browser, database: Path, width: int, dark: bool) -> None:
    browser.show(made(database, HOSTILE), width, 900, dark=dark)
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("document.querySelectorAll('script, img, a, b, iframe, [onload], [onerror]').length") == 0
    assert browser.value("document.body.innerText.includes('<script>window.hacked=1</script>')") is True
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(WIDER) == []
    assert browser.value(OVERLAPS) == []
    assert browser.complaints() == []


def test_the_page_asks_for_nothing_and_its_policy_lets_nothing_run(browser: Browser, database: Path) -> None:
    page = made(database)
    browser.show(page, 1280, 900, dark=False)
    assert browser.requests() == [page.as_uri()]
    assert browser.complaints() == []
    broken = page.with_name("broken.html")
    injected = "<script>window.hacked=1</script><img src='http://127.0.0.1:9/x'><style>body{display:none}</style>"
    broken.write_text(page.read_text("utf-8").replace("<main>", f"<main>{injected}"), "utf-8")
    browser.show(broken, 1280, 900, dark=False)
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("getComputedStyle(document.body).display") == "block"
    assert len(browser.complaints()) == 3


def test_each_drawing_says_what_it_shows(browser: Browser, database: Path) -> None:
    browser.show(made(database), 1280, 900, dark=False)
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    named = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") in {"image", "img"}]
    assert len(named) > 20
    assert all(named)
    assert any("opening" in name for name in named)
    assert browser.value("document.querySelectorAll('th:not([scope])').length") == 0
    assert browser.value("document.querySelectorAll('table').length === document.querySelectorAll('caption').length")


def test_it_prints_on_paper_of_light_colour(browser: Browser, database: Path) -> None:
    browser.show(made(database), 1280, 900, dark=True)
    browser.ask(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    assert browser.value("getComputedStyle(document.querySelector('h1')).color") == "rgb(24, 32, 44)"
    assert len(browser.ask("Page.printToPDF", printBackground=True)["data"]) > 20_000
    browser.ask("Emulation.setEmulatedMedia", media="")
