#!/usr/bin/env python3
"""Opens a report in headless Chromium as a person would: its tabs, its filter, its theme, on a desk and on a phone.

    aha-lab report runs/first-aha /tmp/report
    python3 scripts/check_report.py /tmp/report/index.html [--pictures DIR]

Needs Debian's package `chromium` and nothing else: it speaks to the browser through a pipe. It exits with 1 if the console
says anything, if something is asked of the network, or if a part does not work.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE = 60.0


class Browser:
    """Chromium, and the one page in it."""

    def __init__(self, home: str) -> None:
        program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            sys.exit("There is no chromium here.")
        to_browser, ours = os.pipe()
        theirs, from_browser = os.pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={home}", "about:blank"]  # fmt: skip

        def wire() -> None:
            # Chromium reads from 3 and writes to 4. Both may be in the way of each other.
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            command, close_fds=False, preexec_fn=wire, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        self._in, self._out, self._rest, self._number = ours, theirs, b"", 0
        self.said: list[str] = []
        self.asked: list[str] = []
        self._session: str | None = None
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        return self._until(lambda told: told.get("id") == self._number)["result"]

    def _until(self, what: Any) -> dict[str, Any]:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            while b"\0" in self._rest:
                line, self._rest = self._rest.split(b"\0", 1)
                told = json.loads(line)
                self._note(told)
                if "error" in told:
                    raise RuntimeError(told["error"])
                if what(told):
                    return told
            self._rest += os.read(self._out, 1 << 20)
        raise RuntimeError("the browser is silent")

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        match told.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(str([one.get("value", one.get("description")) for one in parameters["args"]]))
            case "Runtime.exceptionThrown":
                self.said.append(str(parameters["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(parameters["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(parameters["request"]["url"])

    def open(self, address: str, width: int, height: int, dark: bool) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url=address)
        self._until(lambda told: told.get("method") == "Page.loadEventFired")
        time.sleep(0.3)

    def run(self, script: str) -> Any:
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"].get("description"))
        return told["result"].get("value")

    def picture(self, path: Path, whole: bool) -> None:
        # A picture of a whole page may be larger than the browser can make.
        wide, high = self.run("[innerWidth, Math.min(6000, document.documentElement.scrollHeight)]")
        clip = {"x": 0, "y": 0, "width": wide, "height": high, "scale": 1}
        more = {"clip": clip, "captureBeyondViewport": True} if whole else {}
        shot = self.ask("Page.captureScreenshot", format="png", **more)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


def must(holds: Any, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def check_parts(browser: Browser) -> None:
    """The tabs, the filter and the theme."""
    count = browser.run("document.querySelectorAll('[role=tab]').length")
    must(count >= 2, "there are tabs")
    for i in range(count):
        told = browser.run(
            f"(() => {{ const tab = document.querySelectorAll('[role=tab]')[{i}]; tab.click();"
            "const row = [...tab.parentElement.children];"
            "const panels = row.map(one => document.getElementById(one.getAttribute('aria-controls')));"
            "return [tab.getAttribute('aria-selected'), panels.filter(panel => !panel.hidden).length,"
            "document.getElementById(tab.getAttribute('aria-controls')).hidden]; })()"
        )
        must(told == ["true", 1, False], f"tab {i} shows its panel and no other: {told}")
    key = (
        "(() => { const [first] = document.querySelectorAll('[role=tab]'); first.focus(); first.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true})); return document.activeElement !== first; })()"
    )
    must(browser.run(key), "an arrow key goes to the next tab")
    browser.run("document.querySelectorAll('[role=tablist]').forEach(row => row.firstElementChild.click())")

    shown = "[...document.querySelectorAll('.samples article')].filter(one => !one.hidden)"
    before = browser.run(f"{shown}.length")
    must(before > 0, "there are completions")
    for kind in browser.run("[...document.querySelectorAll('.chip')].map(chip => chip.dataset.kind)"):
        chip = f"document.querySelector('.chip[data-kind={kind}]')"
        browser.run(f"{chip}.click()")
        must(browser.run(f"{shown}.every(one => one.dataset.kinds.split(' ').includes('{kind}'))"), f"only {kind} ones")
        browser.run(f"{chip}.click()")
    must(browser.run(f"{shown}.length") == before, "without a filter all are shown again")
    step = browser.run("document.querySelector('.samples article').dataset.step")
    type_in = (
        "(text => { const field = document.querySelector('.filter input'); field.value = text;"
        "field.dispatchEvent(new Event('input')); })"
    )
    browser.run(f"{type_in}('step:{step}')")
    must(browser.run(f"{shown}.every(one => one.dataset.step === '{step}')"), "only that step")
    browser.run(f"{type_in}('no completion says this')")
    must(browser.run(f"{shown}.length") == 0, "words that nobody wrote are found nowhere")
    browser.run(f"{type_in}('')")

    ground = "getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.run("document.getElementById('theme').click()")
    must(browser.run(ground) != light, "the theme changes")
    browser.run("document.getElementById('theme').click()")
    # The page keeps the choice, and the next visit is another reader's.
    browser.run("localStorage.clear()")

    pointer = (
        "(() => { const figure = document.querySelector('figure.chart'); const svg = [...figure.querySelectorAll('svg')]"
        ".find(one => one.getBoundingClientRect().width > 0); const box = svg.getBoundingClientRect(); svg.dispatchEvent("
        "new PointerEvent('pointermove', {clientX: box.left + box.width / 2, clientY: box.top + 9, bubbles: true}));"
        "return figure.querySelector('output').textContent; })()"
    )
    must("step" in browser.run(pointer), "the pointer reads the lines")


def check_readable(browser: Browser, width: int) -> None:
    """Nothing is wider than the screen but what scrolls by itself, and no text is tiny."""
    must(browser.run("document.documentElement.scrollWidth") <= width, f"the page fits {width} pixels")
    smallest = browser.run(
        "Math.min(...[...document.querySelectorAll('p, td, th, button, a, header, text, .written')]"
        ".filter(one => one.getBoundingClientRect().width > 0).map(one => { const size = parseFloat(getComputedStyle(one)"
        ".fontSize); const svg = one.closest('svg'); return svg ? size * svg.getBoundingClientRect().width /"
        "svg.viewBox.baseVal.width : size; }))"
    )
    must(smallest >= 10, f"the smallest text has {smallest} pixels at {width}")
    broken = browser.run(
        "(() => { const pen = document.createElement('canvas').getContext('2d');"
        "return [...document.querySelectorAll('th, td:not(:nth-child(2):last-child)')]"
        ".filter(cell => cell.getBoundingClientRect().width > 0).filter(cell => { const style = getComputedStyle(cell);"
        "pen.font = style.font; const room = cell.clientWidth - parseFloat(style.paddingRight);"
        "return cell.textContent.split(/[\\s-]+/).some(word => pen.measureText(word).width > room + 1); })"
        ".map(cell => cell.textContent); })()"
    )
    must(not broken, f"no word of a table is broken at {width} pixels: {broken}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("--pictures", metavar="DIR")
    given = parser.parse_args()
    page = Path(given.page).resolve()
    pictures = Path(given.pictures) if given.pictures else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    home = tempfile.mkdtemp()
    browser = Browser(home)
    try:
        for name, width, height, dark in (("desk", 1280, 900, False), ("night", 1280, 900, True), ("phone", 390, 844, False)):
            browser.open(page.as_uri(), width, height, dark)
            check_readable(browser, width)
            if pictures:
                browser.picture(pictures / f"{name}.png", whole=True)
            check_parts(browser)
        must(not browser.said, f"the console is silent: {browser.said[:3]}")
        elsewhere = [address for address in browser.asked if not address.startswith((page.as_uri(), "about:", "data:"))]
        must(not elsewhere, f"nothing is asked of the network: {elsewhere[:3]}")
    finally:
        browser.close()
        shutil.rmtree(home, ignore_errors=True)
    print("The report works.")


if __name__ == "__main__":
    main()
