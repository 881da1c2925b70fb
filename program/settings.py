"""The settings: config.toml, environment and command line -> one frozen Settings, or every problem.

Knows the keys, what each may hold and what is impossible; not what the parts do with them.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from program import kinds
from program.kinds import DAY, GIB, HOUR, KIB, MIB, Whole, nearest, shown
from program.values import (
    Count,
    CountOrNone,
    DataFolder,
    Duration,
    FolderPath,
    HostNames,
    MediaTypes,
    Networks,
    Origins,
    Pause,
    Period,
    Rights,
    ScannerAddress,
    Size,
    SizeOrNone,
    Who,
    place_of,
)

PREFIX = "NOCLOBBER_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
CONFIG_FILE = Path("config.toml")


class SettingsError(Exception):
    """The settings cannot be used. `problems` says each reason, with its key and the fix."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Server:
    host: str = "127.0.0.1"
    port: Annotated[int, Whole(0, 65535)] = 8080
    names: HostNames = ()
    trusted_proxies: Networks = ()
    grace: Duration = 20.0
    metrics: Literal["loopback", "users", "off"] = "loopback"
    cors_origins: Origins = ()
    draft_uploads: bool = False
    sandbox: bool = True


@dataclass(frozen=True, slots=True)
class Data:
    folder: DataFolder = "data"
    digest: Literal["blake3", "sha256"] = "blake3"
    inline_below: Annotated[int, kinds.size(0, MIB)] = 16 * KIB
    keep_versions: Duration = 90 * DAY
    keep_changes: Duration = 90 * DAY
    keep_parked: Period = DAY
    keep_answers: Period = DAY
    keep_arriving: Period = DAY
    collect_every: Period = HOUR


@dataclass(frozen=True, slots=True)
class Limits:
    file_size: SizeOrNone = None
    quota_bytes: SizeOrNone = None
    quota_files: CountOrNone = None
    free_space: Size = GIB
    name_bytes: Annotated[int, Whole(1, 255)] = 255
    path_bytes: Annotated[int, Whole(1, 65535)] = 4096
    depth: Annotated[int, Whole(1, 1000)] = 32
    connections: Annotated[int, Whole(16, 1_000_000)] = 8192
    connections_per_address: Annotated[int, Whole(1, 1_000_000)] = 1024
    uploads_at_once: Count = 256
    uploads_per_principal: Count = 64
    files_per_form: Count = 100
    field_bytes: Annotated[int, kinds.size(KIB, 16 * MIB)] = 64 * KIB
    parked_bytes: Size = 10 * GIB
    parked_files: Annotated[int, Whole(0, 1_000_000)] = 1000
    answers: Count = 200_000
    answers_per_principal: Count = 20_000
    arriving_files: Annotated[int, Whole(0, 1_000_000)] = 1000
    header_bytes: Annotated[int, kinds.size(KIB, MIB)] = 8190
    header_count: Annotated[int, Whole(16, 10_000)] = 128
    header_time: Pause = 15.0
    body_idle: Pause = 30.0
    body_rate: Size = KIB
    body_rate_grace: Duration = 10.0
    send_idle: Pause = 60.0
    keep_alive: Duration = 75.0
    drain_bytes: Size = 16 * MIB
    drain_time: Duration = 5.0
    sniff_time: Pause = 1.0
    login_failures: Count = 10
    session_idle: Period = HOUR * 12
    session_longest: Period = DAY * 7
    sessions_per_user: Count = 20
    preflight_items: Count = 10_000
    preflights_at_once: Count = 16
    preflights_per_principal: Count = 4
    reserve_time: Annotated[float, kinds.duration(0.0, 300.0)] = 60.0
    reserved_names: Annotated[int, Whole(0, 1_000_000)] = 10_000
    feed_wait: Duration = 60.0
    followers: Count = 256
    followers_per_principal: Count = 16


@dataclass(frozen=True, slots=True)
class Policy:
    same_file: Literal["refuse", "accept"] = "refuse"
    same_name: Literal["refuse", "version", "rename"] = "refuse"
    same_content: Literal["refuse", "link"] = "refuse"
    names: Literal["portable", "exact"] = "portable"
    require_conditions: bool = False
    types_allowed: MediaTypes = ()
    types_refused: MediaTypes = ()
    extension_must_fit: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    clamd: ScannerAddress = ""
    time: Pause = 120.0


@dataclass(frozen=True, slots=True)
class WebDav:
    strict: bool = False
    longest_lock: Annotated[float, kinds.duration(1.0, DAY)] = HOUR


@dataclass(frozen=True, slots=True)
class Log:
    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    folder: FolderPath
    who: Who
    rights: Rights


@dataclass(frozen=True, slots=True)
class Settings:
    """`folders`: the policy of each, with the words that it inherits. `access`: see config.toml."""

    server: Server = Server()
    data: Data = Data()
    limits: Limits = Limits()
    policy: Policy = Policy()
    scan: Scan = Scan()
    webdav: WebDav = WebDav()
    log: Log = Log()
    folders: Mapping[str, Policy] = field(default_factory=dict)
    access: tuple[Grant, ...] = ()


SECTIONS: Mapping[str, type[Any]] = {
    "server": Server,
    "data": Data,
    "limits": Limits,
    "policy": Policy,
    "scan": Scan,
    "webdav": WebDav,
    "log": Log,
}
LISTS = ("folders", "access")


def keys() -> tuple[str, ...]:
    """Every setting, as `section.key`."""
    return tuple(f"{section}.{key}" for section in SECTIONS for key in kinds.of(SECTIONS[section]))


def load(
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    command_line: Mapping[str, object] | None = None,
) -> Settings:
    """The defaults, under the file, under the environment, under the command line.

    Without `config`, the file is what NOCLOBBER_CONFIG names, or config.toml where there is one.
    `command_line` maps `section.key` to what was given.

    :raises SettingsError: with every problem that was found.
    """
    environment = environment or {}
    file = _file(config, environment)
    found = _Found(file=f"{file}: ")
    found.take_file({} if file is None else _table(file))
    found.take_environment(environment)
    found.take_command_line(command_line or {})
    settings = found.settings()
    if found.problems:
        raise SettingsError(found.problems)
    return settings


@dataclass(frozen=True, slots=True)
class _Found:
    """What was set where. `values`: (section, key) -> the place to name in a message, the value."""

    file: str
    values: dict[tuple[str, str], tuple[str, object]] = field(default_factory=dict)
    lists: dict[str, tuple[str, object]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take_file(self, table: Mapping[str, object]) -> None:
        for section, content in table.items():
            if section in LISTS:
                self.lists[section] = (f"{self.file}[[{section}]]", content)
            elif section not in SECTIONS:
                self._unknown(section, (*SECTIONS, *LISTS, *keys()), self.file)
            elif isinstance(content, dict):
                for key, value in content.items():
                    self._take(section, key, value)
            else:
                self.problems.append(
                    f"{self.file}{section}: must be a table: write [{section}] above its keys."
                )

    def take_environment(self, environment: Mapping[str, str]) -> None:
        variables = {_variable(key): key for key in keys()}
        known = (*variables, *(PREFIX + name.upper() for name in LISTS), CONFIG_VARIABLE)
        for variable, text in environment.items():
            if variable in variables:
                section, _, key = variables[variable].partition(".")
                kind = kinds.of(SECTIONS[section])[key]
                self._put(section, key, variable, kinds.from_text(kind, text))
            elif variable in known and variable != CONFIG_VARIABLE:
                self._take_list(variable, text)
            elif variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
                self._unknown(variable, known)

    def take_command_line(self, given: Mapping[str, object]) -> None:
        for name, value in given.items():
            section, _, key = name.partition(".")
            kind = kinds.of(SECTIONS[section])[key]
            read = kinds.from_text(kind, value) if isinstance(value, str) else value
            self._put(section, key, f"{name} on the command line", read)

    def settings(self) -> Settings:
        parts = {name: self._section(name, section) for name, section in SECTIONS.items()}
        settings = Settings(**parts, access=tuple(self._grants()))
        self.problems.extend(_contradictions(settings))
        return replace(settings, folders=self._policies(settings.policy))

    def _take(self, section: str, key: str, value: object) -> None:
        own = kinds.of(SECTIONS[section])
        if key in own:
            self.values[section, key] = (f"{self.file}{section}.{key}", value)
        else:
            elsewhere = [known for known in keys() if known.endswith("." + key)]
            here = [f"{section}.{known}" for known in own]
            self._unknown(f"{section}.{key}", elsewhere or here, self.file)

    def _put(self, section: str, key: str, place: str, value: object) -> None:
        """What this overrides has to be right all the same: some day it rules again."""
        overridden = self.values.get((section, key))
        if overridden is not None:
            self._read(SECTIONS[section], {key: overridden})
        self.values[section, key] = (place, value)

    def _take_list(self, variable: str, text: str) -> None:
        try:
            content = tomllib.loads(f"list = {text}")["list"]
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{variable}: must be a TOML list of tables: {error}.")
        else:
            self.lists[variable.removeprefix(PREFIX).lower()] = (variable, content)

    def _unknown(self, name: str, known: Iterable[str], place: str = "") -> None:
        meant = nearest(name, known) or "."
        self.problems.append(f"{place}{name}: there is no such setting{meant}")

    def _section(self, name: str, section: type[Any]) -> Any:  # noqa: ANN401 - one of SECTIONS
        given = {
            key: self.values[name, key] for key in kinds.of(section) if (name, key) in self.values
        }
        return replace(section(), **self._read(section, given))

    def _read(
        self, section: type[Any], given: Mapping[str, tuple[str, object]]
    ) -> dict[str, object]:
        """What the keys of a section hold; those that cannot be are left out, and reported."""
        of, values = kinds.of(section), {}
        for key, (place, value) in given.items():
            try:
                values[key] = of[key].read(value)
            except ValueError as reason:
                end = "" if str(reason).endswith("?") else "."
                self.problems.append(f"{place}: is {shown(value)}, but {reason}{end}")
        return values

    def _entries(self, name: str, known: Iterable[str]) -> Iterable[tuple[str, dict[str, object]]]:
        place, entries = self.lists.get(name, (name, []))
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            self.problems.append(f"{place}: must be a list of tables: write [[{name}]] above each.")
            return
        for number, entry in enumerate(entries, 1):
            for key in entry.keys() - set(known):
                self._unknown(key, known, f"{place} {number}, ")
            yield f"{place} {number}", {key: entry[key] for key in known if key in entry}

    def _grants(self) -> Iterable[Grant]:
        wanted = tuple(kinds.of(Grant))
        for place, entry in self._entries("access", wanted):
            for key in wanted:
                if key not in entry:
                    self.problems.append(f"{place}, {key}: is missing.")
            given = {key: (f"{place}, {key}", value) for key, value in entry.items()}
            values = self._read(Grant, given)
            if len(values) == len(wanted):
                yield Grant(**values)  # type: ignore[arg-type] # read by the kinds of its fields

    def _policies(self, default: Policy) -> dict[str, Policy]:
        """The longest prefix wins, so each folder starts from the next shorter one."""
        given: dict[str, dict[str, object]] = {}
        for place, entry in self._entries("folders", ("folder", *kinds.of(Policy))):
            labelled = {key: (f"{place}, {key}", value) for key, value in entry.items()}
            path = self._path(place, labelled.pop("folder", (place, None)), given)
            words = self._read(Policy, labelled)
            if path is not None:
                given[path] = words
        policies: dict[str, Policy] = {}
        for path in sorted(given, key=lambda path: len(place_of(path))):
            above = [
                policies[other] for other in policies if place_of(path).startswith(place_of(other))
            ]
            policies[path] = replace(above[-1] if above else default, **given[path])  # type: ignore[arg-type] # as above
            self.problems.extend(_type_clash(f"[[folders]] {path}", policies[path]))
        return policies

    def _path(self, place: str, labelled: tuple[str, object], taken: Iterable[str]) -> str | None:
        if labelled[1] is None:
            self.problems.append(f"{place}, folder: is missing.")
            return None
        path = str(self._read(Grant, {"folder": labelled}).get("folder", ""))
        if place_of(path) in map(place_of, taken):
            self.problems.append(f"{place}, folder: {path} has an entry already. Make them one.")
            return None
        return path or None


def _file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if CONFIG_VARIABLE in environment:
        if not environment[CONFIG_VARIABLE]:
            raise SettingsError([f"{CONFIG_VARIABLE}: is empty. Name the file, or unset it."])
        return Path(environment[CONFIG_VARIABLE])
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}."]) from None
    except ValueError as error:
        raise SettingsError([f"{path}: is not TOML: {error}."]) from None


def _variable(key: str) -> str:
    return PREFIX + key.replace(".", "_").upper()


def _contradictions(settings: Settings) -> Iterable[str]:
    limits = settings.limits
    if limits.uploads_per_principal > limits.uploads_at_once:
        yield "limits.uploads_per_principal: cannot be more than limits.uploads_at_once."
    if limits.preflights_per_principal > limits.preflights_at_once:
        yield "limits.preflights_per_principal: cannot be more than limits.preflights_at_once."
    if limits.followers_per_principal > limits.followers:
        yield "limits.followers_per_principal: cannot be more than limits.followers."
    if limits.answers_per_principal > limits.answers:
        yield "limits.answers_per_principal: cannot be more than limits.answers."
    if limits.session_idle > limits.session_longest:
        yield "limits.session_idle: cannot be more than limits.session_longest."
    if limits.name_bytes > limits.path_bytes:
        yield "limits.name_bytes: cannot be more than limits.path_bytes."
    yield from _type_clash("policy", settings.policy)


def _type_clash(place: str, policy: Policy) -> Iterable[str]:
    for word in sorted(set(policy.types_allowed) & set(policy.types_refused)):
        yield f"{place}: {word} is in types_allowed and in types_refused. Take it out of one."
