"""The policy words, per folder and request: what to do in each of the three situations."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from uploads import names
from uploads.names import Path


class SameFile(StrEnum):
    """This name already holds exactly these bytes."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class SameName(StrEnum):
    """This name holds other bytes, and the request has no condition."""

    REFUSE = "refuse"
    VERSION = "version"
    RENAME = "rename"


class SameContent(StrEnum):
    """These bytes stand under another name, in a place that the caller may read."""

    REFUSE = "refuse"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one request asks for, by `Prefer`, query or form field; None: the folder's word."""

    same_file: SameFile | None = None
    same_name: SameName | None = None
    same_content: SameContent | None = None


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Policy:
    same_file: SameFile = SameFile.REFUSE
    same_name: SameName = SameName.REFUSE
    same_content: SameContent = SameContent.REFUSE
    exact_names: bool = False
    require_conditions: bool = False
    types_allowed: frozenset[str] = frozenset()
    types_refused: frozenset[str] = frozenset()
    extension_must_fit: bool = False

    @property
    def is_choosy(self) -> bool:
        """May a file that another folder took have no place in this one?"""
        return bool(
            self.exact_names or self.types_allowed or self.types_refused or self.extension_must_fit
        )

    def wishing(self, wishes: Wishes) -> "Policy":
        if wishes == NO_WISHES:
            return self
        return replace(
            self,
            same_file=wishes.same_file or self.same_file,
            same_name=wishes.same_name or self.same_name,
            same_content=wishes.same_content or self.same_content,
        )


class Policies:
    """The policy of every folder: that of the longest configured prefix."""

    def __init__(self, default: Policy, folders: Mapping[Path, Policy]) -> None:
        self._default = default
        self._folders = {path.folded: policy for path, policy in folders.items()}
        # As a rule names are compared alike everywhere, and a key needs no look at its folder.
        self._all_alike = all(
            policy.exact_names == default.exact_names for policy in folders.values()
        )
        self.are_choosy = any(policy.is_choosy for policy in (default, *folders.values()))

    def of(self, path: Path) -> Policy:
        """The policy for what stands at `path` (a file's is that of the folders above it)."""
        if not self._folders:
            return self._default
        for length in range(len(path.parts), -1, -1):
            policy = self._folders.get(Path(path.parts[:length]).folded)
            if policy is not None:
                return policy
        return self._default

    def keys(self, path: Path) -> tuple[str, ...]:
        """What two names must not share in one folder, for every part of the path."""
        if self._all_alike:
            exact = self._default.exact_names
            return tuple(names.key(part, exact=exact) for part in path.parts)
        return tuple(
            names.key(part, exact=self.of(Path(path.parts[:depth])).exact_names)
            for depth, part in enumerate(path.parts)
        )

    def name_rules(self) -> str:
        """A text that differs where `keys` may: which folders are exact, by which Unicode."""
        exact = {"": self._folders.get("", self._default).exact_names}
        for folded in sorted(self._folders, key=len):
            above = folded
            while above not in exact:
                above = above.rpartition("/")[0]
            if exact[above] != self._folders[folded].exact_names:
                exact[folded] = not exact[above]
        return json.dumps([unicodedata.unidata_version, sorted(exact.items())])


def policies_of(rules: str) -> Policies | None:
    """Policies with these rules for names, as `name_rules` told them; None: by another Unicode."""
    unicode, exact = json.loads(rules)
    if unicode != unicodedata.unidata_version:
        return None
    folders = {
        Path(tuple(folded.split("/")) if folded else ()): Policy(exact_names=is_exact)
        for folded, is_exact in exact
    }
    return Policies(Policy(), folders)
