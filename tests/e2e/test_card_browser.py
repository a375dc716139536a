"""The data card in a real Chromium, opened from a file as a colleague would open it."""

import os
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.report import numbers
from pipelines.report.card import render
from pipelines.report.facts import Missing

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EXAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "unit/pipelines/report/example.py"))
STATES = ("night", "first", "refused", "huge")
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser context with a fresh profile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the data card in a browser needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"the data card in a browser needs Chromium at {CHROMIUM} (set CHROMIUM to its path)")
    with playwright.sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=ARGUMENTS
        )
        yield context
        context.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open the card of `facts`: the page, what its console said, and what it asked for beside itself."""
    page = browser.new_page()
    said, asked = [], []

    def open_card(facts, width=1280, scheme="light"):
        file = tmp_path / "card.html"
        file.write_text(render(facts), "utf-8")
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        asked.remove(file.as_uri())
        return page, said, [url for url in asked if not url.startswith("data:")]

    yield open_card
    page.close()


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
@pytest.mark.parametrize("state", STATES)
def test_each_state_fits_its_window_asks_for_nothing_and_is_silent(opened, state, width):
    page, said, asked = opened(EXAMPLE[state](), width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert (said, asked) == ([], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    spilling = page.evaluate(
        """width => [...document.querySelectorAll('main *')]
        .filter(e => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll'))
        .map(e => e.outerHTML.slice(0, 80))""",
        width,
    )
    assert spilling == []


def test_hostile_samples_are_shown_and_do_not_run(opened):
    facts = EXAMPLE["night"]()
    page, said, asked = opened(facts)
    shown = page.locator(".sample blockquote").all_inner_texts()
    assert EXAMPLE["HOSTILE"] in shown
    assert any("U+202E" in text and "\u202e" not in text for text in shown)
    assert page.locator("script, img, iframe, object, embed").count() == 0
    assert page.locator(".sample mark.mask", has_text="<CN_MOBILE>").is_visible()
    assert (said, asked) == ([], [])


def test_the_policy_of_the_page_forbids_scripts_and_connections(opened):
    page, _, _ = opened(EXAMPLE["night"]())
    page.evaluate(
        """() => {
        const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);
        const i = document.createElement('img'); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i); }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', e => 'refused')") == "refused"


@pytest.mark.req("OBS-01")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_funnel_on_screen_is_the_funnel_of_the_facts(opened, width):
    facts = EXAMPLE["night"]()
    page, _, _ = opened(facts, width)
    for which in ("version", "night"):
        for stage in facts.funnel:
            flow = getattr(stage, which)
            row = page.locator(f'[data-funnel="{which}"] [data-stage="{stage.name}"]')
            told = row.locator(".told").inner_text()
            assert row.locator('[data-figure="inputs"]').inner_text() == f"{numbers.number(flow.inputs)} {stage.unit}"
            assert row.locator('[data-figure="emitted"]').inner_text() == f"{numbers.number(flow.emitted)} went on"
            assert row.locator('[data-figure="emitted"]').is_visible()
            if flow.rejected:
                rejected = row.locator('[data-figure="rejected"]').inner_text()
                assert rejected == f"{numbers.number(flow.rejected)} rejected {numbers.share(flow.filter_rate)}"
            for name in ("unchanged", "superseded", "retracted"):
                amount = getattr(flow, name)
                assert (f"{numbers.number(amount)} {name}" in told) == bool(amount)


def test_the_funnel_is_drawn_to_scale(opened):
    facts = EXAMPLE["night"]()
    page, _, _ = opened(facts)
    bars = page.locator('[data-funnel="version"] li[data-stage] svg.bar')
    for at, stage in enumerate(facts.funnel):
        track = bars.nth(at).bounding_box()["width"]
        drawn = bars.nth(at).locator("rect.emitted").bounding_box()["width"]
        assert drawn / track == pytest.approx(stage.version.emitted / 4_402, abs=0.005)


@pytest.mark.parametrize("state", ["night", "refused"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_words_stand_out_from_what_is_behind_them(opened, scheme, state):
    """WCAG 2.2, 1.4.3: body text has a contrast of at least 4.5 to 1."""
    page, _, _ = opened(EXAMPLE[state](), scheme=scheme)
    weak = page.evaluate(
        """() => {
        const rgb = c => c.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
        const out = [];
        for (const e of document.querySelectorAll('body *')) {
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest('svg')) continue;
            const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) out.push(e.className + ' ' + e.textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
        }
        return out; }"""
    )
    assert weak == []


def test_an_unmeasured_figure_shows_its_reason(opened):
    facts = replace(EXAMPLE["night"](), hosts=Missing("the profile has not run"))
    page, _, _ = opened(facts)
    assert page.get_by_text("not measured: the profile has not run").is_visible()


def test_on_paper_the_tables_are_open(opened):
    page, _, _ = opened(EXAMPLE["night"]())
    page.emulate_media(media="print")
    assert page.locator("#every-rule").bounding_box()["height"] > 0
