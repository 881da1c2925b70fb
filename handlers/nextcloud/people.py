"""Who is meant by the name of a user in an address, and that it is who asks."""

from aiohttp import web

from handlers.identity import principal_of
from handlers.parts import Parts
from uploads.access import Principal
from uploads.failures import NotIdentified, NotThere


def name_of(principal: Principal) -> str:
    """As its client calls it, and as it stands in addresses: without saying what kind it is of."""
    return principal.name.rpartition(":")[2]


def signed_in(parts: Parts, request: web.Request) -> Principal:
    """Anybody, as long as nobody is registered."""
    principal = principal_of(request)
    if principal.is_anonymous and parts.accounts.any_users():
        raise NotIdentified("Sign in with your name, and your password or a token.")
    return principal


def demand(parts: Parts, request: web.Request, name: str) -> Principal:
    """Of everybody else one is told the same, whether they are registered or not."""
    principal = principal_of(request)
    if name_of(principal) != name:
        signed_in(parts, request)
        raise NotThere("At this address you can find only what is yours.")
    return principal
