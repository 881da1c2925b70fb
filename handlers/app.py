"""The doors put together: one aiohttp application over the parts."""

from aiohttp import web

from handlers import protocol, routes
from handlers.changes import Changes
from handlers.contract import Contract
from handlers.form import Forms
from handlers.gate import GATE, Gate
from handlers.headers.proxies import Proxies
from handlers.health import Health
from handlers.identity import Guesses, Identity
from handlers.metrics import Metrics
from handlers.parked import Parked
from handlers.parts import Parts
from handlers.plain import Plain
from handlers.preflight import Preflighting
from handlers.sessions import Sessions


def build(parts: Parts, metrics: Metrics, health: Health) -> web.Application:
    identity = Identity(parts.accounts, Guesses(parts.http.login_failures))
    proxies = Proxies.of(parts.http.trusted_proxies)
    sessions = Sessions(parts.accounts, parts.http.sessions, proxies=proxies)
    gate = Gate(parts.http, proxies, identity, sessions, metrics, health)
    app = web.Application()
    app[GATE] = gate
    asking = Changes(parts), Preflighting(parts)
    doors = routes.Doors(Plain(parts), Forms(parts), Parked(parts), *asking, health, Contract())
    routes.add(app, doors)
    app[protocol.SHORTCUT] = routes.shortcut(app)
    return app
