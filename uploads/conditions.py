"""On what a request depends: entity tags that must, or must not, be those of the current version,
and the time since when there must be none newer.

Knows how tags compare (RFC 9110 section 8.8.3.2), and nothing of how a header spells them. A tag is
an opaque string that includes its double quotes; where it is weak, `W/` stands before them.
"""

from uploads.values import value

WEAK = "W/"


@value
class Tags:
    """`any` is the `*`. `weak` holds what came with `W/`, without it; `strong` all other tags."""

    any: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()

    def match_strongly(self, current: str) -> bool:
        return self.any or current in self.strong

    def match_weakly(self, current: str) -> bool:
        opaque = current.removeprefix(WEAK)
        return self.any or opaque in self.strong or opaque in self.weak


@value
class Current:
    """What a condition is held against. `since`: when it came to be as it is, in Unix seconds.

    Without either it is there, and nothing of it may be told: so that nobody finds out by asking
    which bytes those are, no tag is that of an empty one.
    """

    etag: str = ""
    since: float | None = None


@value
class Condition:
    """What the request says of the current version; None where it says nothing."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None
    unmodified_since: int | None = None

    def holds(self, current: Current | None) -> bool:
        """None: nothing is there."""
        etag = None if current is None else current.etag
        return self.rests_on(current) and self.if_none_match_holds(etag)

    def rests_on(self, current: Current | None) -> bool:
        """RFC 9110 section 13.2.2: the date counts only where no tag says it better."""
        if self.if_match is not None:
            return self.if_match_holds(None if current is None else current.etag)
        return self.unmodified_since_holds(current)

    def if_match_holds(self, current: str | None) -> bool:
        """RFC 9110 section 13.1.1, by strong comparison. None: nothing is there."""
        if self.if_match is None:
            return True
        return current is not None and self.if_match.match_strongly(current)

    def unmodified_since_holds(self, current: Current | None) -> bool:
        """RFC 9110 section 13.1.4, by whole seconds. What may not be told is taken for newer."""
        if self.unmodified_since is None or current is None:
            return True
        return current.since is not None and int(current.since) <= self.unmodified_since

    def if_none_match_holds(self, current: str | None) -> bool:
        """RFC 9110 section 13.1.2, by weak comparison."""
        if self.if_none_match is None:
            return True
        return current is None or not self.if_none_match.match_weakly(current)


UNCONDITIONAL = Condition()
