"""The rules of one server: who may, which policy, how much. What every verb is judged by."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from uploads import names
from uploads.access import Access, Principal, Reach, Right
from uploads.accounts import Accounts
from uploads.collisions import (
    AtName,
    FileAbove,
    FileHere,
    FolderHere,
    Lookalike,
    Nothing,
    Replace,
    Unchanged,
    Verdict,
)
from uploads.failures import (
    NotAllowed,
    NotIdentified,
    NotThere,
    OverQuota,
    TooLarge,
    TypeRefused,
)
from uploads.files import Usage
from uploads.names import Path
from uploads.policy import Policies, Policy, SameName, Wishes
from uploads.ports import Clock, View
from uploads.reserving import Reservations

# `free_name` of the index, or of a forecast.
NextFree = Callable[[Path, int, Callable[[Path], bool]], Path]
STORING = (Right.CREATE, Right.REPLACE)


@dataclass(frozen=True, slots=True)
class Limits:
    """None: without limit. Sizes in bytes, times in seconds."""

    file_size: int | None = None
    quota_bytes: int | None = None
    quota_files: int | None = None
    free_space: int = 0
    uploads_at_once: int = 256
    uploads_per_principal: int = 64
    parked_bytes: int = 10 << 30
    parked_files: int = 1000
    keep_parked: float = 86400.0
    keep_answers: float = 86400.0
    answers: int = 200_000
    answers_per_principal: int = 20_000
    arriving_files: int = 1000
    keep_arriving: float = 86400.0
    body_idle: float = 30.0
    body_rate: int = 1024
    body_rate_grace: float = 10.0

    def room(self, free: int) -> int:
        """How much of what is free may still be stored. It is an eighth less at most, and falls in
        steps so large that no content shows in it: who is refused for a size learns nothing of
        whether a smaller one took room or was here already.
        """
        room = free - self.free_space
        step = max(0, room.bit_length() - 4) if room > 0 else 0
        return room >> step << step


@dataclass(frozen=True, slots=True)
class Rules:
    access: Access
    policies: Policies
    limits: Limits
    accounts: Accounts
    reservations: Reservations = field(default_factory=Reservations)
    clock: Clock = time.time
    lengths: names.Limits = field(default_factory=names.Limits)

    def policy(self, principal: Principal, path: Path, wishes: Wishes, door: Wishes) -> Policy:
        """The folder's words under the door's, as far as the principal may widen them."""
        allowed = wishes
        if wishes.same_name is SameName.VERSION and not self.may(principal, Right.REPLACE, path):
            allowed = replace(wishes, same_name=None)
        return self.policies.of(path.parent).wishing(door).wishing(allowed)

    def may(self, principal: Principal, right: Right, path: Path) -> bool:
        return self.access.may(principal, right, path)

    def reach(self, principal: Principal) -> Reach:
        return self.access.reach(principal, Right.READ)

    def current(self, principal: Principal) -> Principal:
        """The principal as it is at this moment: rights are judged again when it counts."""
        now = self.accounts.current(principal)
        if now is None:
            raise NotIdentified(
                "You are no longer known here: your account, password or token was removed or"
                " changed. Sign in again."
            )
        return now

    def demand(self, principal: Principal, right: Right, path: Path) -> None:
        if not self.may(principal, right, path):
            self.deny(principal, right, path)

    def demand_below(self, principal: Principal, right: Right, path: Path) -> None:
        """For what takes a whole folder: no part of it may be closed to the principal."""
        if not self.access.may_all_below(principal, right, path):
            self.deny(principal, right, path)

    def demand_upload(self, principal: Principal, path: Path) -> None:
        if not self.may(principal, Right.REPLACE, path):
            self.demand(principal, Right.CREATE, path)

    def demand_some_upload(self, principal: Principal) -> None:
        """For what has no place yet: is there any where the principal may store it?"""
        if not any(self.access.reach(principal, right).ranges for right in STORING):
            self.deny(principal, Right.CREATE, Path(()))

    def deny(self, principal: Principal, right: Right, path: Path) -> NoReturn:
        """Answers alike whether something is there or not."""
        if principal.is_anonymous:
            wish = "see this folder" if right is Right.LIST else f"{right} here"
            raise NotIdentified(f"Sign in to {wish}.")
        if self.access.may_any(principal, path.parent):
            raise NotAllowed(f"You may not {right} in this folder. Ask whoever runs this server.")
        raise not_there(path)

    def demand_for(self, principal: Principal, verdict: Verdict, path: Path) -> None:
        """The right that an accepted verdict rests on."""
        if isinstance(verdict, Unchanged):
            return
        right = Right.REPLACE if isinstance(verdict, Replace) else Right.CREATE
        self.demand(principal, right, path)

    def sees(self, principal: Principal, at: AtName, path: Path) -> bool:
        """May the principal read what stands at, or in the way of, this name?"""
        match at:
            case FileHere(file) | FileAbove(file):
                return self.may(principal, Right.READ, file.path)
            case FolderHere(folder):
                return self.access.may_see(principal, folder.path)
            case Lookalike(existing):
                return self.may(principal, Right.READ, existing.path)
            case Nothing():
                return self.may(principal, Right.READ, path)

    def check_reserved(self, principal: Principal, path: Path, id: str | None = None) -> None:
        """Is the name kept for somebody else? `id`: the reservation that the principal shows."""
        self.reservations.check(lambda: self.policies.keys(path), path, id, principal.name)

    def is_kept(self, principal: Principal, path: Path, id: str | None = None) -> bool:
        keys = self.policies.keys
        return self.reservations.keep(lambda: keys(path), path, id, principal.name)

    def may_be_numbered(self, path: Path) -> bool:
        """Is there room for a number in the name, so that the same name can be stored beside it?"""
        return names.may_be_numbered(path.name, self.lengths.room(path.parent))

    def free_name(
        self, next_free: NextFree, principal: Principal, path: Path, id: str | None = None
    ) -> Path:
        """One that may be numbered: the next that is free, and kept for nobody else. A place with
        grants of its own may have such a name, and is none for who may store in the folder only.
        """
        room, creates = self.lengths.room(path.parent), self.may(principal, Right.CREATE, path)

        def kept(there: Path) -> bool:
            is_closed = creates and not self.may(principal, Right.CREATE, there)
            return is_closed or self.is_kept(principal, there, id)

        return next_free(path, room, kept)

    def check_removable(self, principal: Principal, path: Path) -> None:
        self.reservations.check_removal(lambda: self.policies.keys(path), principal.name)

    def check_size(self, size: int) -> None:
        most = self.limits.file_size
        if most is not None and size > most:
            raise TooLarge(
                f"The file is too large: at most {most:,} bytes are taken. Send a smaller file."
            )

    def check_quota(self, usage: Usage, size: int) -> None:
        """Is there room for one version more, of this size?"""
        self.check_usage(Usage(usage.bytes + size, usage.files + 1))

    def check_share(self, view: View, principal: Principal, size: int) -> None:
        """As `check_quota`, and nobody looks how much is used where nothing limits it."""
        if self.limits.quota_bytes is not None or self.limits.quota_files is not None:
            self.check_quota(view.usage(principal.name), size)

    def check_usage(self, usage: Usage) -> None:
        if not self._within_quota(usage):
            # Not how much is used: what strangers send is counted as one, and is theirs to know.
            raise OverQuota(
                "Your share of this server is used up, and this does not fit any more: every"
                " version that is kept counts, also one that is brought back, and so does every"
                " upload that has not come to its end or waits for a decision."
            )

    def may_park(self, usage: Usage, parked: Usage, size: int) -> bool:
        limits = self.limits
        if parked.files >= limits.parked_files or parked.bytes + size > limits.parked_bytes:
            return False
        return self._within_quota(Usage(usage.bytes + size, usage.files + 1))

    def _within_quota(self, usage: Usage) -> bool:
        limits = self.limits
        fits = limits.quota_bytes is None or usage.bytes <= limits.quota_bytes
        return fits and (limits.quota_files is None or usage.files <= limits.quota_files)

    def check_type(self, policy: Policy, media_type: str, name: str, *, fits: bool) -> None:
        listed = {media_type, media_type.partition("/")[0] + "/*"}
        if policy.types_allowed and listed.isdisjoint(policy.types_allowed):
            taken = ", ".join(sorted(policy.types_allowed))
            raise TypeRefused(f"This folder does not take {media_type} files, only {taken}.")
        if not listed.isdisjoint(policy.types_refused):
            raise TypeRefused(f"This folder does not take {media_type} files.")
        if policy.extension_must_fit and not fits:
            raise TypeRefused(
                f'The name "{name}" does not go with its bytes, which are {media_type}.'
                " Give it the extension of what it is."
            )


def not_there(path: Path, number: int | None = None) -> NotThere:
    """`number`: of the version of it that was asked for."""
    if number is not None:
        return NotThere(f'"{path}" has no version {number} that you may know of.')
    return NotThere(f'There is nothing at "{path}" that you may know of.')
