"""Do the documents say what the program does? What is missing or stale, by name."""

import dataclasses
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import pytest
import yaml  # type: ignore[import-untyped]

from docs import generate, verdicts
from handlers import openapi
from handlers.metrics import Metrics
from handlers.problem_types import TYPES
from handlers.schemas import SCHEMAS
from program import settings
from storage import passwords
from uploads.collisions import NotEmpty, Verdict, decide

ROOT = generate.ROOT
HTTP_API = ROOT / "docs" / "http-api.md"
OPERATING = ROOT / "docs" / "operating.md"
MONITORING = ROOT / "docs" / "monitoring"
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# A path of the machine on which somebody wrote, and where packages come from.
FOREIGN = re.compile(
    r"(?<![\w.])/(work|root|Users|home/\w+)/|pypi\.|pythonhosted|index-url|anaconda\."
)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(document: Path) -> set[str]:
    """As they are made from headings: small letters, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(params=generate.DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def document(request: pytest.FixtureRequest) -> Path:
    found = request.param
    assert isinstance(found, Path)
    return found


def test_the_generated_tables_are_fresh(document: Path) -> None:
    fresh = generate.renewed(text(document)) == text(document)
    assert fresh, "stale: run .venv/bin/python -m docs.generate"


def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(FENCED.sub("", text(document))):
        if re.match(r"[a-z]+:", link):
            continue
        address, _, anchor = link.partition("#")
        target = (document.parent / unquote(address)).resolve() if address else document
        assert target.exists(), f"{document.name} links to {link}"
        assert target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name} links to {link}"


def test_no_document_names_a_machine_or_a_package_index(document: Path) -> None:
    assert FOREIGN.findall(text(document)) == []


def test_every_generated_table_is_in_some_document() -> None:
    used = {found[2] for one in generate.DOCUMENTS for found in generate.BLOCK.finditer(text(one))}
    assert used == set(generate.BLOCKS)


def test_a_stale_table_would_be_seen() -> None:
    block = "<!-- generated: commands -->\nold\n<!-- end -->"
    assert generate.renewed(block) != block
    assert generate.renewed(generate.renewed(block)) == generate.renewed(block)


def test_every_address_is_documented() -> None:
    page = text(HTTP_API)
    document: Any = openapi.document()
    for address, methods in document["paths"].items():
        for method in set(methods) - {"head"}:
            assert f"| `{method.upper()}` | `{address}` |" in page


def test_every_problem_type_is_documented() -> None:
    page = text(HTTP_API)
    for slug, type_ in TYPES.items():
        assert f"| {type_.status} | `{slug}` |" in page


def test_every_member_of_a_problem_is_documented() -> None:
    problem: Any = SCHEMAS["Problem"]
    section = text(HTTP_API).partition("\n## Problems")[2].partition("<!-- generated")[0]
    for member in problem["properties"]:
        assert f"`{member}`" in section, member


def test_every_setting_is_documented_with_its_default() -> None:
    page = text(OPERATING)
    for section in dataclasses.fields(settings.Settings):
        if section.name in {"folders", "access"}:
            assert f"[[{section.name}]]" in page
            continue
        for field in dataclasses.fields(section.type):  # type: ignore[arg-type]
            assert f"| `[{section.name}]` `{field.name}` | `" in page, (section.name, field.name)


def test_every_setting_has_its_reason() -> None:
    for section, key, why in generate.explained_settings():
        assert len(why.split()) > 1, (section, key)


def test_every_limit_has_its_answer() -> None:
    section = text(HTTP_API).partition("\n## Limits")[2]
    for field in dataclasses.fields(settings.Limits):
        assert f"`{field.name}`" in section, field.name


def test_what_is_said_of_a_limit_is_the_status_of_its_problem() -> None:
    section = text(HTTP_API).partition("\n## Limits")[2]
    told = re.findall(r"\b(4\d\d|5\d\d)\b(?: `([a-z-]+)`)?", section)
    assert len(told) > 15
    for status, slug in told:
        assert slug, status
        assert TYPES[slug].status == int(status), slug


def test_every_policy_word_is_documented() -> None:
    page = text(HTTP_API)
    for name in ("same_file", "same_name", "same_content"):
        assert f"`{name}`: " in page
        for word in get_args(settings.Policy.__annotations__[name]):
            assert f"`{word}`: " in page


def test_every_command_is_documented() -> None:
    help_text = subprocess.run(
        [sys.executable, "server.py", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = help_text.partition("\ncommands:\n")[2].partition("\nexamples:")[0]
    names = re.findall(r"^ {4}([a-z]+) ", listed, re.MULTILINE)
    assert len(names) > 5
    assert list(generate.commands()) == names
    for name in names:
        assert f"| `noclobber {name}` |" in text(OPERATING)


def test_every_metric_is_documented() -> None:
    page = text(MONITORING / "README.md")
    for name in Metrics().names():
        assert f"| `{name}` |" in page


def metric_names(expression: str) -> set[str]:
    names = re.findall(r"\b((?:noclobber|process)_\w+)", expression)
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names}


def test_the_alert_rules_are_well_formed_and_ask_for_metrics_that_exist() -> None:
    (group,) = yaml.safe_load(text(MONITORING / "alerts.yml"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert {"NoclobberCollisionsRising", "NoclobberDiskFull", "NoclobberDegraded"} <= set(names)
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert metric_names(rule["expr"]) <= Metrics().names(), rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_what_is_compared_with_yesterday_is_also_where_yesterday_had_none() -> None:
    """A comparison leaves out what has nothing on its other side."""
    (group,) = yaml.safe_load(text(MONITORING / "alerts.yml"))["groups"]
    compared = [rule["expr"] for rule in group["rules"] if "offset" in rule["expr"]]
    assert compared
    for expression in compared:
        assert re.search(r"\boffset 1d\)\)\s+or\s+0 \* sum by", expression)


def test_what_each_alert_means_is_written_down() -> None:
    (group,) = yaml.safe_load(text(MONITORING / "alerts.yml"))["groups"]
    page = text(MONITORING / "README.md")
    section = page.partition("\n## What each alert means")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", section, re.MULTILINE)
    assert told == [rule["alert"] for rule in group["rules"]]


def test_every_door_that_is_counted_is_written_down() -> None:
    sources = [*(ROOT / "handlers").rglob("*.py"), *(ROOT / "uploads").rglob("*.py")]
    named = {door for one in sources for door in re.findall(r'\bdoor="(\w+)"', text(one))}
    line = re.search(r"^\| `door` \| (.+?) \|", text(MONITORING / "README.md"), re.MULTILINE)
    assert line
    # A preflight stores nothing, and is not counted.
    assert set(re.findall(r"`(\w+)`", line[1])) == named - {"preflight"}


def test_the_dashboard_shows_every_metric_of_ours_and_none_that_does_not_exist() -> None:
    dashboard = json.loads(text(MONITORING / "dashboard.json"))
    asked = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            asked |= metric_names(target["expr"])
    assert asked <= Metrics().names()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    unshown = {"noclobber_collected_bytes_total", "process_start_time_seconds"}
    assert Metrics().names() - asked == unshown


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken = set()
    for panel in json.loads(text(MONITORING / "dashboard.json"))["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))


def test_the_printed_verdicts_cover_all_that_decide_can_say() -> None:
    said = {
        type(decide(verdicts.claim(situation, condition), at, twin, policy))
        for situation, (at, twin, _) in verdicts.SITUATIONS.items()
        for _, condition in verdicts.CONDITIONS
        for policy in verdicts.policies()
    }
    assert said == set(get_args(Verdict)) - {NotEmpty}


def test_the_configuration_in_the_operating_page_is_accepted(tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", text(OPERATING), re.MULTILINE | re.DOTALL)
    assert len(examples) >= 2
    for number, example in enumerate(examples):
        tomllib.loads(example)
        path = tmp_path / f"{number}.toml"
        path.write_text(example, encoding="utf-8")
        settings.load(path, {}, {})


def test_the_times_for_mending_a_hole_in_a_package_are_written_down() -> None:
    packages = text(ROOT / "SECURITY.md").partition("\n## Packages")[2]
    said = re.findall(r"within\s+(two|seven)(?:\s+days)?", packages)
    assert sorted(said) == ["seven", "two"]
    assert "other updates come with the next release" in packages


def test_the_words_that_no_password_is_made_of_are_written_down() -> None:
    section = text(OPERATING).partition("\n### Passwords")[2].partition("\n## ")[0]
    for word in passwords.OF_THIS_PLACE:
        assert f"`{word}`" in section, word
    assert f"{passwords.SHORTEST} to {passwords.LONGEST:,} characters" in section
