"""The settings: what is read from where, and what each mistake is told."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from program import kinds, settings
from program.settings import Grant, Policy, Settings, SettingsError

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config.toml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def configured(text: str) -> Settings:
    path = Path("some.toml")
    path.write_text(text, encoding="utf-8")
    return settings.load(path)


def problems(text: str = "", environment: dict[str, str] | None = None) -> tuple[str, ...]:
    path = Path("some.toml")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        settings.load(path, environment)
    return tuple(problem.removeprefix("some.toml: ") for problem in caught.value.problems)


def test_the_file_in_the_repository_holds_the_defaults() -> None:
    assert settings.load(CONFIG) == Settings()


def test_the_file_in_the_repository_holds_every_key_and_no_other() -> None:
    table = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    held = [f"{section}.{key}" for section, keys in table.items() for key in keys]
    assert sorted(held) == sorted(settings.keys())


def test_each_key_of_the_file_has_one_line_that_says_why() -> None:
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"[a-z_]+ =", line):
            assert re.match(r"# .{15,}\.$", above), f"no reason above {line!r}"


def test_the_examples_in_the_file_work_when_they_are_uncommented() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    _, *examples = re.split(r"^# (?=\[\[)", text, flags=re.MULTILINE)
    entries = (
        "\n".join(re.findall(r"^(?:# )?(\[\[.*|\w+ = .*)$", one, re.MULTILINE)) for one in examples
    )
    loaded = configured("\n".join(entries))
    assert loaded.folders == {"/inbox/": Policy(same_name="rename")}
    assert loaded.access[0].who == ("users",)


def test_without_a_file_the_defaults_are_used() -> None:
    assert settings.load() == Settings()


def test_a_config_toml_in_the_current_folder_is_read() -> None:
    Path("config.toml").write_text("server.port = 1\n", encoding="utf-8")
    assert settings.load().server.port == 1


def test_a_variable_names_the_file_and_the_argument_goes_before_it() -> None:
    Path("a.toml").write_text("server.port = 1\n", encoding="utf-8")
    Path("b.toml").write_text("server.port = 2\n", encoding="utf-8")
    environment = {"NOCLOBBER_CONFIG": "a.toml"}
    assert settings.load(None, environment).server.port == 1
    assert settings.load(Path("b.toml"), environment).server.port == 2


def test_the_command_line_goes_before_the_environment_before_the_file_before_the_defaults() -> None:
    path = Path("some.toml")
    path.write_text("[server]\nport = 1\nhost = '::1'\ngrace = '3 s'\n", encoding="utf-8")
    environment = {"NOCLOBBER_SERVER_PORT": "2", "NOCLOBBER_SERVER_HOST": "::2"}
    server = settings.load(path, environment, {"server.port": 0}).server
    assert (server.port, server.host, server.grace, server.metrics) == (0, "::2", 3.0, "loopback")


def test_what_is_overridden_is_judged_all_the_same() -> None:
    path = Path("some.toml")
    path.write_text("[server]\nport = 70000\nhost = 7\n", encoding="utf-8")
    environment = {"NOCLOBBER_SERVER_PORT": "-1"}
    with pytest.raises(SettingsError) as refused:
        settings.load(path, environment, {"server.port": 1, "server.host": "::1"})
    assert [problem.partition(": is")[0] for problem in refused.value.problems] == [
        "some.toml: server.port",
        "NOCLOBBER_SERVER_PORT",
        "some.toml: server.host",
    ]


def test_the_command_line_is_judged_like_the_rest() -> None:
    with pytest.raises(
        SettingsError, match=r"^server\.port on the command line: is 70000, but must"
    ):
        settings.load(None, {}, {"server.port": "70000"})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("12345", 12345),
        ('"64 KiB"', 64 << 10),
        ('"1.5 GiB"', 3 << 29),
        ('"2MB"', 2_000_000),
        ('"7 b"', 7),
        ('"1 tib"', 1 << 40),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    found = configured(f"[limits]\nfree_space = {text}").limits.free_space
    assert (found, type(found)) == (size, int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('"0.5 s"', 0.5),
        ('"250 ms"', 0.25),
        ('"30 s"', 30.0),
        ('"5 min"', 300.0),
        ('"1 hour"', 3600.0),
        ('"2 days"', 172800.0),
    ],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert configured(f"[server]\ngrace = {text}").server.grace == pytest.approx(seconds)


def test_a_limit_can_be_none() -> None:
    path = Path("some.toml")
    path.write_text('[limits]\nfile_size = "1 GiB"\nquota_files = 5\n', encoding="utf-8")
    limits = settings.load(path, {"NOCLOBBER_LIMITS_FILE_SIZE": "none"}).limits
    assert (limits.file_size, limits.quota_files, limits.quota_bytes) == (None, 5, None)


@pytest.mark.parametrize("text", ["90", "0.5", '"90"'])
def test_a_time_without_its_unit_is_no_guess(text: str) -> None:
    (problem,) = problems(f"data.keep_versions = {text}")
    assert "a time with its unit" in problem


def test_the_environment_can_hold_every_kind_of_value() -> None:
    loaded = settings.load(
        None,
        {
            "NOCLOBBER_SERVER_NAMES": "files.example, files.lan",
            "NOCLOBBER_LOG_REQUESTS": "false",
            "NOCLOBBER_LIMITS_DEPTH": "7",
            "NOCLOBBER_DATA_FOLDER": "2026",
            "NOCLOBBER_FOLDERS": '[{folder = "/in/", same_name = "rename"}]',
            "NOCLOBBER_ACCESS": '[{folder = "/", who = ["anonymous"], rights = ["read"]}]',
            "HOME": "/root",
        },
    )
    assert loaded.server.names == ("files.example", "files.lan")
    assert loaded.log.requests is False
    assert (loaded.limits.depth, loaded.data.folder) == (7, "2026")
    assert loaded.folders["/in/"].same_name == "rename"
    assert loaded.access == (Grant("/", ("anonymous",), ("read",)),)


def test_a_folder_inherits_from_the_one_above_however_that_is_spelt() -> None:
    folders = configured(
        "[[folders]]\nfolder = '/Inbox/'\ntypes_refused = ['text/html']\n"
        "[[folders]]\nfolder = '/inbox/sub/'\nsame_name = 'rename'"
    ).folders
    assert folders["/inbox/sub/"].types_refused == ("text/html",)


def test_a_folder_inherits_from_the_next_shorter_path() -> None:
    loaded = configured(
        """
        [policy]
        same_content = "link"
        [[folders]]
        folder = "/a/b/"
        names = "exact"
        [[folders]]
        folder = "/a/"
        same_file = "accept"
        [[folders]]
        folder = "/ab/"
        """
    )
    above = Policy(same_content="link")
    assert loaded.folders == {
        "/a/": Policy(same_content="link", same_file="accept"),
        "/a/b/": Policy(same_content="link", same_file="accept", names="exact"),
        "/ab/": above,
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nprot = 1", "server.prot: there is no such setting; did you mean server.port?"),
        ("[limits]\nport = 1", "limits.port: there is no such setting; did you mean server.port?"),
        ("[sever]\nport = 1", "sever: there is no such setting; did you mean server?"),
        ("port = 1", "port: there is no such setting; did you mean server.port?"),
        ("[zzz]", "zzz: there is no such setting."),
        ("server = 1", "server: must be a table: write [server] above its keys."),
        ("server.port = true", "server.port: is true, but must be a whole number from 0 to 65535."),
        (
            "server.port = 65536",
            "server.port: is 65536, but must be a whole number from 0 to 65535.",
        ),
        (
            "data.folder = '~/files'",
            "data.folder: is '~/files', but must be a folder that is not empty;"
            ' for "~" write what it stands for.',
        ),
        ("server.host = ''", "server.host: is '', but must be a text that is not empty."),
        (
            "log.requests = 'yes'",
            "log.requests: is 'yes', but must be true or false, without quotes.",
        ),
        (
            "policy.same_name = 'versions'",
            'policy.same_name: is \'versions\', but must be "refuse", "version" or "rename";'
            " did you mean version?",
        ),
        (
            "server.grace = '3 parsecs'",
            'server.grace: is \'3 parsecs\', but must be a time with its unit, such as "30 s", "5 min" or "1 day".',
        ),
        (
            "limits.file_size = 0",
            "limits.file_size: is 0, but must be from 1 byte to 1,048,576 TiB.",
        ),
        (
            "limits.file_size = 1.5",
            'limits.file_size: is 1.5, but must be a size such as "64 MiB", or "none" for no limit.',
        ),
        (
            "server.trusted_proxies = ['10.0.0.1/8']",
            "server.trusted_proxies: is ['10.0.0.1/8'], but '10.0.0.1/8' must be an address or a"
            ' network such as "10.0.0.0/8", without host bits.',
        ),
        (
            "server.names = 'here'",
            "server.names: is 'here', but must be a list such as [\"one\"].",
        ),
        (
            "limits.uploads_at_once = 1",
            "limits.uploads_per_principal: cannot be more than limits.uploads_at_once.",
        ),
        (
            "[policy]\ntypes_allowed = ['a/b']\ntypes_refused = ['a/b']",
            "policy: a/b is in types_allowed and in types_refused. Take it out of one.",
        ),
        ("folders = 1", "[[folders]]: must be a list of tables: write [[folders]] above each."),
        (
            "[[folders]]\nsame_file = 'accept'",
            "[[folders]] 1, folder: is missing.",
        ),
        (
            "[[folders]]\nfolder = '/a/'\n[[folders]]\nfolder = '/a/'",
            "[[folders]] 2, folder: /a/ has an entry already. Make them one.",
        ),
        (
            "[[folders]]\nfolder = '/Straße/'\n[[folders]]\nfolder = '/STRASSE'",
            "[[folders]] 2, folder: /STRASSE/ has an entry already. Make them one.",
        ),
        (
            "[[folders]]\nfolder = '/a/'\nsamefile = 'accept'",
            "[[folders]] 1, samefile: there is no such setting; did you mean same_file?",
        ),
        (
            "[[folders]]\nfolder = '/a/../b/'",
            "[[folders]] 1, folder: is '/a/../b/', but must be a folder such as \"/inbox/\", from the root on.",
        ),
        (
            "[[access]]\nfolder = '/'\nwho = ['ann']\nrights = ['read']",
            "[[access]] 1, who: is ['ann'], but 'ann' must be \"anonymous\", \"users\","
            ' "user:<name>" or "token:<name>".',
        ),
        (
            "[[access]]\nfolder = '/'\nwho = ['users']",
            "[[access]] 1, rights: is missing.",
        ),
        (
            "[[access]]\nfolder = '/'\nwho = []\nrights = ['read']",
            "[[access]] 1, who: is [], but must not be empty.",
        ),
    ],
)
def test_a_mistake_names_the_key_the_reason_and_the_fix(text: str, problem: str) -> None:
    assert problems(text) == (problem,)


def test_several_mistakes_are_told_together() -> None:
    found = problems(
        "[server]\nport = 'x'\n[log]\nlevle = 'info'", {"NOCLOBBER_LIMITS_DEPTH": "deep"}
    )
    assert {one.partition(":")[0] for one in found} == {
        "server.port",
        "log.levle",
        "NOCLOBBER_LIMITS_DEPTH",
    }


@pytest.mark.parametrize(
    ("variable", "problem"),
    [
        (
            "NOCLOBBER_SERVER_PROT",
            "NOCLOBBER_SERVER_PROT: there is no such setting; did you mean NOCLOBBER_SERVER_PORT?",
        ),
        (
            "NOCLOBBER_ACESS",
            "NOCLOBBER_ACESS: there is no such setting; did you mean NOCLOBBER_ACCESS?",
        ),
    ],
)
def test_an_unknown_variable_stops_the_start(variable: str, problem: str) -> None:
    assert problems("", {variable: "1"}) == (problem,)


def test_a_list_in_the_environment_that_is_not_toml_is_told() -> None:
    assert problems("", {"NOCLOBBER_ACCESS": "["})[0].startswith("NOCLOBBER_ACCESS: must be a TOML")


def test_a_file_that_is_not_there_or_not_toml_is_told() -> None:
    with pytest.raises(SettingsError, match=r"^gone\.toml: cannot be read: No such file"):
        settings.load(Path("gone.toml"))
    assert problems("[server")[0].startswith("is not TOML: ")
    with pytest.raises(SettingsError, match=r"^NOCLOBBER_CONFIG: is empty\."):
        settings.load(None, {"NOCLOBBER_CONFIG": ""})


def test_a_file_may_begin_with_the_mark_that_editors_of_windows_write() -> None:
    assert configured("\ufeff[server]\r\nport = 1\r\n").server.port == 1


@pytest.mark.parametrize("where", ["/run/clamav/clamd.ctl", "localhost:3310", "[::1]:3310", ""])
def test_a_scanner_is_at_a_socket_or_at_a_port(where: str) -> None:
    assert configured(f'[scan]\nclamd = "{where}"').scan.clamd == where


@pytest.mark.parametrize(
    "where", ["localhost", "run/clamd", "localhost:0", "localhost:65536", "::1:3310"]
)
def test_a_scanner_that_is_nowhere_stops_the_start(where: str) -> None:
    assert "host:port" in problems(f'[scan]\nclamd = "{where}"')[0]


@pytest.mark.parametrize(
    ("kind", "value", "means"),
    [
        (kinds.duration(0.0, 300.0), "6 min", "must be from 0 s to 5 min"),
        (kinds.duration(0.05, kinds.DAY), "2 days", "must be from 0.05 s to 1 day"),
        (kinds.duration(1.0), "0 s", "must be from 1 s to 36,500 days"),
        (kinds.size(1024, 16 << 20), "1 B", "must be from 1 KiB to 16 MiB"),
        (kinds.size(1, 1500), 0, "must be from 1 byte to 1,500 bytes"),
        (kinds.size(1, 10**15 + 1), 0, "must be from 1 byte to 1,000,000,000,000,001 bytes"),
    ],
)
def test_what_is_too_much_is_told_in_the_words_of_the_settings(
    kind: kinds.Quantity, value: object, means: str
) -> None:
    with pytest.raises(ValueError, match=f"^{means}$"):
        kind.read(value)
