"""The rules of this house: what the settings say, as values of `uploads`."""

from dataclasses import replace

from program import listening
from program import settings as configuration
from program.console import Refused
from program.settings import Settings
from uploads import names
from uploads.access import (
    ALL_RIGHTS,
    ANONYMOUS_NAME,
    FOR_USERS,
    Access,
    Grant,
    Principal,
    Right,
    UngrantedAccess,
)
from uploads.accounts import Accounts
from uploads.admission import Admission
from uploads.names import Path
from uploads.policy import Policies, Policy, SameContent, SameFile, SameName
from uploads.reserving import Reservations
from uploads.rules import Limits, Rules

# Whoever may run commands in the data folder may do everything in it, without a share to keep to.
OPERATOR = Principal("operator", frozenset({"operator"}))


def rules(settings: Settings, accounts: Accounts) -> Rules:
    """For everybody who comes through a door."""
    kept = Reservations(settings.limits.reserved_names)
    access = _access(settings, accounts)
    limits, lengths = _limits(settings), name_limits(settings)
    return Rules(access, policies(settings), limits, accounts, kept, lengths=lengths)


def rules_for_operator(settings: Settings) -> Rules:
    """For a command: who typed it may do all. It replaces nothing, so it needs no condition."""
    access = Access([Grant(Path(()), OPERATOR.groups, ALL_RIGHTS)])
    limits = replace(_limits(settings), quota_bytes=None, quota_files=None, parked_files=0)
    ruling, lengths = policies(_unconditional(settings)), name_limits(settings)
    return Rules(access, ruling, limits, OperatorOnly(), lengths=lengths)


def policies(settings: Settings) -> Policies:
    folders = {_path(path): _policy(words) for path, words in settings.folders.items()}
    return Policies(_policy(settings.policy), folders)


def _unconditional(settings: Settings) -> Settings:
    """A condition guards what a request may replace; a command replaces nothing."""
    folders = {
        path: replace(words, require_conditions=False) for path, words in settings.folders.items()
    }
    policy = replace(settings.policy, require_conditions=False)
    return replace(settings, policy=policy, folders=folders)


def _policy(words: configuration.Policy) -> Policy:
    return Policy(
        same_file=SameFile(words.same_file),
        same_name=SameName(words.same_name),
        same_content=SameContent(words.same_content),
        exact_names=words.names == "exact",
        require_conditions=words.require_conditions,
        types_allowed=frozenset(words.types_allowed),
        types_refused=frozenset(words.types_refused),
        extension_must_fit=words.extension_must_fit,
    )


def _path(text: str) -> Path:
    return Path(tuple(part for part in text.split("/") if part))


def _access(settings: Settings, accounts: Accounts) -> Access:
    if not settings.access:
        # To others it must not open itself when the last user is removed.
        opens = opens_without_users(settings)
        return UngrantedAccess(accounts.any_users) if opens else Access(FOR_USERS)
    return Access(
        Grant(_path(grant.folder), frozenset(grant.who), frozenset(map(Right, grant.rights)))
        for grant in settings.access
    )


def _limits(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(
        file_size=limits.file_size,
        quota_bytes=limits.quota_bytes,
        quota_files=limits.quota_files,
        free_space=limits.free_space,
        uploads_at_once=limits.uploads_at_once,
        uploads_per_principal=limits.uploads_per_principal,
        parked_bytes=limits.parked_bytes,
        parked_files=limits.parked_files,
        keep_parked=settings.data.keep_parked,
        keep_answers=settings.data.keep_answers,
        answers=limits.answers,
        answers_per_principal=limits.answers_per_principal,
        arriving_files=limits.arriving_files,
        keep_arriving=settings.data.keep_arriving,
        body_idle=limits.body_idle,
        body_rate=limits.body_rate,
        body_rate_grace=limits.body_rate_grace,
    )


def preflights_at_once(settings: Settings) -> Admission:
    limits = settings.limits
    return Admission(limits.preflights_at_once, limits.preflights_per_principal, "preflights")


def name_limits(settings: Settings) -> names.Limits:
    limits, ruling = settings.limits, policies(settings)
    return names.Limits(
        limits.name_bytes,
        limits.path_bytes,
        limits.depth,
        lambda folder: ruling.of(folder).exact_names,
    )


def opens_without_users(settings: Settings) -> bool:
    """Whether everybody may do everything once the last user is removed."""
    return not settings.access and not _is_reached_by_others(settings.server)


def _is_reached_by_others(server: configuration.Server) -> bool:
    """A proxy on this machine brings everybody to an address that only this machine can reach."""
    return bool(server.trusted_proxies) or not listening.is_loopback(server.host)


class OperatorOnly:
    """The accounts of a command: nobody but who typed it."""

    async def by_password(
        self,
        user: str,  # noqa: ARG002 - of a command it is known who typed it
        password: str,  # noqa: ARG002
        code: str = "",  # noqa: ARG002
    ) -> Principal | None:
        return None

    def by_token(self, token: str) -> Principal | None:  # noqa: ARG002
        return None

    def current(self, principal: Principal) -> Principal | None:
        return principal

    def owner(self, principal: Principal) -> Principal | None:  # noqa: ARG002
        return None

    def any_users(self) -> bool:
        return True

    async def set_password(self, proved: Principal, password: str) -> Principal:  # noqa: ARG002
        """Who may run commands has one for that."""
        return proved


def check_address(settings: Settings, accounts: Accounts) -> None:
    """Strangers get in only when somebody has said so."""
    server = settings.server
    spoken_of = any(ANONYMOUS_NAME in grant.who for grant in settings.access)
    if accounts.any_users() or spoken_of or not _is_reached_by_others(server):
        return
    if listening.is_unknown(server.host):
        return
    through = " through a proxy ([server] trusted_proxies)" if server.trusted_proxies else ""
    raise Refused(
        f"Others can reach {server.host}{through}, and everybody would have every right, because"
        " no user is registered. Either register one (noclobber user add NAME), or say in the"
        ' configuration what strangers may do (an [[access]] entry with who = ["anonymous"]).'
    )
