"""Uploads that arrive in pieces: which of them a principal may know of, and for how much longer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uploads.access import Principal
from uploads.failures import ArrivedAlready, MalformedRequest, NotThere
from uploads.files import Incoming, Upload
from uploads.parking import in_scope
from uploads.ports import Clock, Index, Turn, View
from uploads.rules import STORING, Limits


@dataclass(frozen=True, slots=True)
class Arrivals:
    limits: Limits
    index: Index
    clock: Clock

    async def find(self, id: str, principal: Principal) -> Incoming:
        return await self.index.read(lambda view: self._own(view, id, principal))

    async def begun(self, id: str, principal: Principal) -> Incoming:
        """What an earlier attempt began. Whoever asks has not been told its id."""
        try:
            return await self.find(id, principal)
        except NotThere:
            raise NotThere(
                "What this Idempotency-Key began is done, was given up or has expired. Look whether"
                " the file is there; to send it again, begin anew with another key."
            ) from None

    async def find_all(self, ids: Sequence[str], principal: Principal) -> list[Incoming]:
        return await self.index.read(lambda view: [self._own(view, id_, principal) for id_ in ids])

    async def whole_parts(self, ids: Sequence[str], principal: Principal) -> list[Incoming]:
        """What can be joined. Whoever asks for that wants to keep them until it is done."""
        parts = await self.find_all(ids, principal)
        for part in parts:
            if not part.is_part or not part.is_whole:
                raise MalformedRequest(
                    "What is to be joined has to be parts that have arrived whole."
                    f" {part.id} is not one. Send the rest of it first."
                )
        await self.keep_longer(parts)
        return parts

    async def gathered(self, group: str, principal: Principal) -> list[Incoming]:
        """The part of the principal with this id, and those that are numbered after it."""
        now = self.clock()
        found = await self.index.read(lambda view: view.gathered(group))
        mine = [one for one in found if principal.has_sent(one) and one.expires > now]
        return mine if mine and mine[0].id == group else []

    async def all_gathered(self, group: str) -> list[str]:
        """The ids of the same, also of those whose time is over."""
        return await self.index.read(lambda view: [one.id for one in view.gathered(group)])

    async def keep_longer(self, parts: Sequence[Incoming]) -> None:
        """As if the last piece of each had come now, where half of their time is over."""
        keep = self.limits.keep_arriving
        expires = self.clock() + keep
        if all(part.expires > expires - keep / 2 for part in parts):
            return

        def work(turn: Turn) -> None:
            for part in parts:
                found = turn.incoming(part.id)
                if found is not None:
                    turn.advance(replace(found, expires=expires))

        await self.index.write(work)

    def _own(self, view: View, id_: str, principal: Principal) -> Incoming:
        """Of nobody else's upload anything is told, not even that it is there."""
        incoming = view.incoming(id_)
        if incoming is None:
            self._refuse_parked(view.upload(id_), principal)
            raise not_there()
        mine = principal.has_sent(incoming) and incoming.expires > self.clock()
        within = in_scope(incoming.path, principal)
        if incoming.is_part:
            within = principal.scope is None or not principal.scope.rights.isdisjoint(STORING)
        if not mine or not within:
            raise not_there()
        return incoming

    def _refuse_parked(self, parked: Upload | None, principal: Principal) -> None:
        if parked is None or parked.expires <= self.clock():
            return
        if principal.has_sent(parked) and in_scope(parked.path, principal):
            raise ArrivedAlready(
                "All of this upload is here, and it was refused. Ask for it with GET: the answer"
                " has what settles it without sending it again.",
                parked.id,
                parked.expires,
            )


def not_there() -> NotThere:
    return NotThere("There is no such upload: it is done, was given up or has expired.")
