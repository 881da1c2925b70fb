"""How the script is built, served and shipped; and that the pages are complete without it."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from handlers.browser.assets import read_built
from page import building
from tests.page.browser import ROOT, violations
from tests.running import Program

MOST_OF_FIRST_SCREEN = 100_000


def test_the_sources_pass_their_own_tests() -> None:
    assert building.main(["test"]) == 0


def test_a_build_takes_seconds_and_is_the_same_each_time(tmp_path: Path) -> None:
    made = [tmp_path / "one", tmp_path / "two"]
    for goal in made:
        building.build(goal)
    one, two = ({path.name: path.read_bytes() for path in goal.iterdir()} for goal in made)
    assert one == two


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in building.LOCK.read_text(encoding="utf-8")


def test_the_first_screen_is_less_than_100_kilobytes(server: Program, tab: Page) -> None:
    tab.goto("/")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Files")
    tab.wait_for_load_state("networkidle")
    session = tab.context.new_cdp_session(tab)
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    tab.reload()
    tab.wait_for_load_state("load")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Files")
    assert len(received) >= 5
    assert 10_000 < sum(received) < MOST_OF_FIRST_SCREEN


@pytest.mark.parametrize(("accepted", "coding"), [("br, gzip", "br"), ("gzip", "gzip"), ("", None)])
def test_parts_are_sent_in_the_coding_that_is_taken(
    server: Program, accepted: str, coding: str | None
) -> None:
    built = read_built(building.GOAL)
    assert built is not None
    wanted = Request(server.url + built.script, headers={"Accept-Encoding": accepted})
    with urlopen(wanted) as answer:
        assert answer.headers["Content-Encoding"] == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers.get_content_type() == "text/javascript"


@pytest.mark.parametrize("name", ["manifest.json", "main.js", "..%2fstyle.css", "main.js.br"])
def test_nothing_else_is_a_part_of_the_script(server: Program, name: str) -> None:
    with pytest.raises(HTTPError) as refused, urlopen(f"{server.url}/static/page/{name}"):
        pass
    with refused.value as answer:
        assert answer.code == 404


def test_where_nothing_was_built_the_pages_are_complete_and_the_start_says_so(
    browser: Browser, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    for unit in ("handlers", "program", "storage", "uploads"):
        shutil.copytree(ROOT / unit, copy / unit, ignore=shutil.ignore_patterns("page", "*.pyc"))
    shutil.copy(ROOT / "server.py", copy)
    serve = [sys.executable, "server.py", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True, cwd=copy)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        with browser.new_context(base_url=found[0]) as context:
            page = context.new_page()
            page.goto("/browse/")
            assert page.locator("script").count() == 0
            page.get_by_label("Files", exact=True).set_input_files(ROOT / "README.md")
            page.get_by_role("button", name="Upload").click()
            expect(page.get_by_role("link", name="README.md", exact=True)).to_be_visible()
            assert violations(page) == []
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert "without script" in (tmp_path / "log").read_text()


def test_the_wheel_holds_the_built_page(tmp_path: Path) -> None:
    """Built from a copy, as an install builds it: with what the build had made not yet there."""
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(
        ".*", "data", "build", "*.egg-info", "__pycache__", "node_modules"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    shutil.rmtree(copy / "handlers" / "browser" / "static" / "page", ignore_errors=True)
    (copy / "page" / "node_modules").symlink_to(ROOT / "page" / "node_modules")
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*wheel, "--wheel-dir", str(tmp_path), str(copy)], check=True, timeout=120)
    (made,) = tmp_path.glob("noclobber-*.whl")
    names = zipfile.ZipFile(made).namelist()
    inside = [name for name in names if name.startswith("handlers/browser/static/page/")]
    assert any(re.search(r"/main-\w+\.js\.br$", name) for name in inside)
    assert "handlers/browser/static/page/manifest.json" in inside
    assert not any(name.startswith("page/") or "node_modules" in name for name in names)
