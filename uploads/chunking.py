"""Uploads whose sender numbers the pieces itself, sends each whole, and says when all are there.

Each piece is a part that `resuming` keeps; the upload is one more, without bytes. Joined they are a
file like any other: judged as one that comes at once, and refused as one. What is refused can be
corrected and joined again without sending a byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from uploads import partnames, terms
from uploads.access import Principal
from uploads.arrivals import not_there
from uploads.failures import WrongLength
from uploads.files import Incoming
from uploads.names import Path
from uploads.portions import Body
from uploads.receiving import Receiver
from uploads.resuming import Resuming
from uploads.settling import Arrival, Outcome

TOTAL = "total"
SPELLED = "spelled"


@dataclass(frozen=True, slots=True)
class Chunk:
    """`spelled`: the number as its sender writes it. `moment`: when it began to come."""

    spelled: str
    size: int
    moment: float


@dataclass(frozen=True, slots=True)
class Begun:
    upload: Incoming
    parts: tuple[Incoming, ...]

    @property
    def whole(self) -> list[Incoming]:
        return [part for part in self.parts if part.is_whole]

    @property
    def total(self) -> int | None:
        """How long all of it is, where its sender has said so at the beginning."""
        said = terms.echo(self.upload).get(TOTAL)
        return int(said) if said else None


@dataclass(frozen=True, slots=True)
class Chunking:
    resuming: Resuming
    receiver: Receiver

    async def begin(
        self, principal: Principal, name: str, total: int | None, place: Arrival | None
    ) -> bool:
        """False: it has begun already. `place`: what is known of where it will go, so that what is
        certain to be refused is refused before it is sent.
        """
        if await self._look(principal, name) is not None:
            return False
        if place is not None:
            self.receiver.expect(place)
        echo = {} if total is None else {TOTAL: str(total)}
        arrival = self._part(principal, 0, echo)
        id_ = partnames.of_upload(principal, name)
        return await self.resuming.gather(arrival, id_, total or 0)

    async def bring(
        self, principal: Principal, name: str, spelled: str, number: int, size: int, body: Body
    ) -> Incoming:
        """One piece; what came under its number before gives way."""
        upload = (await self._find(principal, name)).upload
        arrival = self._part(principal, size, {SPELLED: spelled})
        id_ = partnames.of_part(upload.id, number)
        return await self.resuming.bring_part(arrival, id_, body)

    async def chunks(self, principal: Principal, name: str) -> tuple[Chunk, ...]:
        """Those that are here, whole, in their order."""
        begun = await self._find(principal, name)
        return tuple(
            Chunk(terms.echo(part)[SPELLED], part.offset, part.created) for part in begun.whole
        )

    async def drop_chunk(self, principal: Principal, name: str, number: int) -> None:
        begun = await self._find(principal, name)
        await self.resuming.cancel(partnames.of_part(begun.upload.id, number), principal)

    async def drop(self, principal: Principal, name: str) -> None:
        await self.resuming.cancel_gathered(partnames.of_upload(principal, name), principal)

    async def join(self, arrival: Arrival, name: str, total: int | None) -> Outcome:
        """Makes the file of them, or says why not. `total`: how long it has to be.

        :raises WrongLength: a piece is missing, or there is one too many.
        """
        begun = await self._find(arrival.principal, name)
        _check_whole(begun, total)
        ids = [part.id for part in (begun.upload, *begun.whole)]
        size = sum(part.offset for part in begun.whole)
        _, ended = await self.resuming.join(replace(arrival, size=size), ids)
        if isinstance(ended, Incoming):
            raise not_there()
        return ended

    async def _find(self, principal: Principal, name: str) -> Begun:
        """Whoever asks goes on with it, so that all of it is kept a while longer."""
        begun = await self._look(principal, name)
        if begun is None:
            raise not_there()
        await self.resuming.arrivals.keep_longer([begun.upload, *begun.parts])
        return begun

    async def _look(self, principal: Principal, name: str) -> Begun | None:
        id_ = partnames.of_upload(principal, name)
        found = await self.resuming.arrivals.gathered(id_, principal)
        return Begun(found[0], tuple(found[1:])) if found else None

    def _part(self, principal: Principal, size: int, echo: dict[str, str]) -> Arrival:
        return Arrival("dav", Path(()), principal, size=size, echo=echo)


def _check_whole(begun: Begun, total: int | None) -> None:
    size = sum(part.offset for part in begun.whole)
    for wanted in {total, begun.total} - {None}:
        if size != wanted:
            raise WrongLength(
                f"The pieces that are here have {size:,} bytes in all, and the file is said to have"
                f" {wanted:,}. Nothing was stored; ask which pieces are here and send the others."
            )
    if total is None and begun.total is None:
        _check_order(begun.parts)


def _check_order(parts: Sequence[Incoming]) -> None:
    """Nobody has said how long the file is. Then each piece that began to come is whole, and the
    numbers follow one another, from 0 or 1 on, or each says at which byte its piece begins.
    """
    for part in parts:
        if not part.is_whole:
            raise WrongLength(
                f"Piece {terms.echo(part)[SPELLED]} of this upload has not come to its end. Nothing"
                " was stored; send it again, or delete it."
            )
    numbers = [partnames.number(part) for part in parts]
    if not numbers:
        raise WrongLength("No piece of this upload is here. Nothing was stored; send them first.")
    following = list(range(numbers[0], numbers[0] + len(numbers)))
    beginnings = [0, *accumulate(part.offset for part in parts)][:-1]
    if numbers != beginnings and (numbers != following or numbers[0] > 1):
        raise WrongLength(
            "A piece of this upload is missing between the others. Nothing was stored; ask which"
            " are here and send the others."
        )
