"""Open plan and report in a real browser: `python tests/real/report_in_browser.py [--keep DIR]`.

Needs Chromium and nothing else: it is driven through a pipe. The sample workspace is upgraded with
a real synthesis first, so the report has a recording. Of each page, in light and dark, wide and as
on a phone: no message on the console, no request, nothing wider than the screen; the tree that
a screen reader gets; every control reached by the keyboard, in order, and seen when it is; the
recording plays; it prints. One line per claim; the exit status is 0 if all hold, 2 where there is
no browser. With --keep, screenshots, the pages and a PDF are left in DIR, to be looked at.
"""

import argparse
import base64
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from keychange.probing.checkpoint import make_checkpoint  # noqa: E402 (support comes first)
from keychange.resources import data_dir  # noqa: E402
from support.workspace import migrate  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
MODEL = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
SCREENS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
STOPS = "a[href], summary, audio, [tabindex='0']"
LANDMARKS = {"banner", "main", "contentinfo", "navigation"}


class Browser:
    """Chromium, driven through its debugging pipe: one JSON message after the other."""

    def __init__(self, program: str, profile: Path) -> None:
        ask, self._ask = os.pipe()
        self._answers, answer = os.pipe()

        def wire() -> None:  # the browser reads descriptor 3 and writes 4
            os.dup2(ask, 13)
            os.dup2(answer, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=wire,  # noqa: PLW1509 (no threads here)
        )
        os.close(ask)
        os.close(answer)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = ""
        self.events: list[dict[str, Any]] = []
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **values: object) -> dict[str, Any]:
        """Send a command and wait for what it answers."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._ask, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']['message']}")
                return dict(found["result"])
            self.events.append(found)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise RuntimeError("the browser has ended")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def value(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def open(self, path: Path, width: int, scheme: str) -> None:
        """Load a page anew, at a width, in a colour scheme."""
        self.events.clear()
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Page.navigate", url=path.as_uri())
        self.value(
            "new Promise(done => document.readyState == 'complete' ? done()"
            " : addEventListener('load', () => done()))"
        )

    def press_tab(self) -> None:
        """The tabulator key."""
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


class Claims:
    """One line per claim, and how many do not hold."""

    failed = 0

    def say(self, words: str, wrong: object) -> None:
        """A claim holds where nothing is wrong."""
        self.failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '}  {words}{f': {wrong}' if wrong else ''}", flush=True)


def examined(browser: Browser, page: Path, claims: Claims, keep: Path | None) -> None:
    """Every claim about one page."""
    backs = {}
    for name, (width, scheme) in SCREENS.items():
        browser.open(page, width, scheme)
        backs[name] = browser.value("getComputedStyle(document.body).backgroundColor")
        here = f"{page.stem}, {name}"
        claims.say(f"{here}: nothing on the console", _messages(browser))
        claims.say(f"{here}: nothing is requested", _requests(browser, page))
        wide = browser.value("document.documentElement.scrollWidth")
        claims.say(f"{here}: no wider than {width}", wide if wide > width else "")
        if keep:
            shot = browser.send("Page.captureScreenshot", captureBeyondViewport=True)
            (keep / f"{page.stem}-{name}.png").write_bytes(base64.b64decode(shot["data"]))
    claims.say(f"{page.stem}: dark is dark", backs["light"] == backs["dark"])
    browser.open(page, 1280, "light")
    claims.say(f"{page.stem}: the tree of a screen reader", _unnamed(browser))
    claims.say(f"{page.stem}: the keyboard reaches everything, in order", _unreached(browser))
    claims.say(f"{page.stem}: the recording plays", _silent(browser))
    pdf = base64.b64decode(browser.send("Page.printToPDF", printBackground=True)["data"])
    claims.say(f"{page.stem}: it prints", "" if pdf.startswith(b"%PDF") else "no PDF")
    if keep:
        (keep / f"{page.stem}.pdf").write_bytes(pdf)


def _messages(browser: Browser) -> list[str]:
    kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    return [json.dumps(e["params"])[:300] for e in browser.events if e.get("method") in kinds]


def _requests(browser: Browser, page: Path) -> list[str]:
    sent = [e for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    urls = [each["params"]["request"]["url"] for each in sent]
    return [each[:200] for each in urls if not each.startswith(("data:", page.as_uri()))]


def _unnamed(browser: Browser) -> list[str]:
    """What is wrong with the accessibility tree."""
    wrong: list[str] = []
    seen: set[str] = set()
    levels: list[int] = []
    for node in browser.send("Accessibility.getFullAXTree")["nodes"]:
        role, name = node.get("role", {}).get("value"), node.get("name", {}).get("value", "")
        if node.get("ignored"):
            continue
        seen.add(role)
        if role in ("link", "image", "img", "button", "heading", "table", "Audio", "navigation"):
            wrong += [] if name.strip() else [f"{role} without a name"]
        if role == "heading":
            at = next(each for each in node["properties"] if each["name"] == "level")
            levels.append(at["value"]["value"])
    wrong += [f"no {each}" for each in LANDMARKS - seen]
    pairs = itertools.pairwise(levels)
    return wrong + [f"level {b} after {a}" for a, b in pairs if b > a + 1]


def _unreached(browser: Browser) -> list[str]:
    """The stops that the tabulator key leaves out, takes in another order or does not show."""
    browser.value(
        f'window.stops = [...document.querySelectorAll("{STOPS}")].filter('
        "e => e.checkVisibility({contentVisibilityAuto: true}))"
    )
    number = int(browser.value("window.stops.length"))
    reached: list[int] = []
    hidden: list[int] = []
    for _ in range(number * 8 + 40):  # a player has stops of its own inside
        browser.press_tab()
        at, outline = browser.value(
            "[window.stops.indexOf(document.activeElement),"
            " parseFloat(getComputedStyle(document.activeElement).outlineWidth)]"
        )
        if at < 0 or (reached and at < reached[-1]):
            break
        if not reached or at != reached[-1]:
            reached.append(at)
            hidden += [] if outline else [at]
    wrong = [f"stop {at} is not seen" for at in hidden]
    if reached != list(range(number)):
        wrong.append(f"reached {len(reached)} of {number}")
    return wrong


def _silent(browser: Browser) -> str:
    if not browser.value("document.querySelectorAll('audio').length"):
        return ""
    length = browser.value(
        "new Promise(done => { const a = document.querySelector('audio');"
        " const say = () => done(a.duration); setTimeout(() => done(0), 5000);"
        " a.readyState ? say() : a.addEventListener('loadedmetadata', say) })"
    )
    return "" if length and length > 1 else f"it has {length} seconds"


@contextmanager
def pages() -> Iterator[tuple[Path, Path]]:
    """A plan and a report of the sample workspace, upgraded with a made-up model."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "flaming-horse"
        shutil.copytree(data_dir("sample"), root)
        make_checkpoint(Path(folder) / "huggingface/hub", MODEL)
        python = root / "models/qwen3-tts-local/mlx_env312/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)
        environment = {"HF_HOME": f"{folder}/huggingface", "MLX_DISABLE_COMPILE": "1"}

        def run(*words: str) -> str:
            migrations = data_dir("migrations")
            done = migrate(root, *words, migrations=migrations, environment=environment)
            if done.returncode:
                raise SystemExit(f"migrate {words[0]} ended with {done.returncode}\n{done.stderr}")
            return done.stdout

        plan, report = Path(folder) / "plan.html", Path(folder) / "report.html"
        plan.write_text(run("plan", "--format", "html"), "utf-8")
        run("up", "--yes", "--allow-cpu")
        run("report", "--out", str(report))
        yield plan, report


def main() -> int:
    """Examine both pages; 0 if every claim holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--browser", metavar="PROGRAM")
    options = parser.parse_args()
    program = options.browser or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        print(f"none of {', '.join(NAMES)} is installed: nothing was examined")
        return 2
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    claims = Claims()
    with pages() as made, tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, Path(profile))
        try:
            for page in made:
                examined(browser, page, claims, options.keep)
                if options.keep:
                    shutil.copy(page, options.keep)
        finally:
            browser.close()
    print(f"{claims.failed} of the claims do not hold" if claims.failed else "every claim holds")
    return 1 if claims.failed else 0


if __name__ == "__main__":
    sys.exit(main())
