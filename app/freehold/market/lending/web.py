"""The protocol's requests over HTTP: body read within bounds, signature checked, answer signed (docs/peers.md).

Runs in the gateway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from freehold.foundation.canonical import canonical, object_from
from freehold.identity.signatures import Refused, sign_response
from freehold.identity.signatures import Request as Bound
from freehold.market.errors import REASONS
from freehold.market.lending.admission import Admission
from freehold.market.lending.invitation import Invitation
from freehold.market.lending.service import Service
from freehold.market.lending.values import MOST_BODY, Refusal
from freehold.network.peer_values import authority_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

BODY_SECONDS = 60.0  # for a whole request of a paired device, however slowly it drips
_PAIRING_BODY = 64 * 1024
_JSON = {"content-type": "application/json"}
_UNREAD = ("too-large", "too-slow", "malformed", "wrong-host", "not-found")

Answer = dict[str, Any] | bytes
Handle = Callable[["Asked"], Answer]


class Asked:
    """One request that was verified: who asks, for what, with which fields."""

    def __init__(self, client: str, request: Request, body: bytes) -> None:
        self.client, self.request, self._body = client, request, body

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def fields(self) -> dict[str, Any]:
        """Raises Refusal."""
        return _fields(self._body)


class Web:
    """The application that uvicorn serves. `unpaired` hears of a device that wishes to be forgotten."""

    def __init__(
        self,
        service: Service,
        admission: Admission,
        invitation: Invitation,
        vocabulary: tuple[str, bytes],
        unpaired: Callable[[str], None],
    ) -> None:
        self._service, self._admission, self._invitation = service, admission, invitation
        self._vocabulary, self._unpaired = vocabulary, unpaired
        self._name = authority_of(service.own.tls)

    def application(self) -> Any:
        from starlette.applications import Starlette

        service = self._service
        application = Starlette(routes=[
            self._route("GET", "/v1/offers", lambda _: service.offers()),
            self._route("GET", "/v1/vocabularies/{sha256}", self._hand_out),
            self._route("POST", "/v1/quotes", lambda asked: service.quote(asked.client, asked.fields).to_wire()),
            self._route("POST", "/v1/jobs", lambda asked: service.open(asked.client, asked.fields)),
            self._route("POST", "/v1/jobs/{job}/lease",
                        lambda asked: service.lease(asked.client, asked.path("job"), asked.fields)),
            self._route("POST", "/v1/jobs/{job}/close", self._close),
            self._route("POST", "/v1/unpair", self._unpair),
            _route("GET", "/v1/jobs/{job}/stream", self._stream),
            _route("POST", "/v1/pair", self._pair),
        ], exception_handlers=dict.fromkeys((404, 405), self._nothing_here))  # fmt: skip
        application.router.redirect_slashes = False
        return application

    def _route(self, method: str, path: str, handle: Handle) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = await _body_of(request, MOST_BODY)
                said = handle(Asked(self._admit(request, body), request, body))
            except Refusal as refusal:
                return self._refuse(request, refusal)
            plain = isinstance(said, bytes)
            content = said if isinstance(said, bytes) else canonical(said)
            return self._signed(request, 200, content, {"content-type": "application/octet-stream"} if plain else _JSON)

        return _route(method, path, endpoint)

    async def _nothing_here(self, request: Request, _: Exception) -> Response:
        return self._refuse(request, Refusal("not-found"))

    async def _stream(self, request: Request) -> Response:
        from starlette.responses import StreamingResponse

        try:
            body = await _body_of(request, MOST_BODY)
            client = self._admit(request, body)
            told = self._service.stream(client, request.path_params["job"], _number(request.query_params.get("after")))
        except Refusal as refusal:
            return self._refuse(request, refusal)
        headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
        return StreamingResponse(told, headers=self._with_signature(request, 200, None, headers))

    async def _pair(self, request: Request) -> Response:
        """Not signed: neither side knows the other's key yet, and the code vouches for both."""
        try:
            self._refuse_strange_names(request)
            body = await _body_of(request, _PAIRING_BODY)
            return _response(200, canonical(self._invitation.answer(_fields(body))), _JSON)
        except Refusal as refusal:
            return _response(REASONS[refusal.code].status, _told(refusal), _headers_for(refusal))

    def _admit(self, request: Request, body: bytes) -> str:
        self._refuse_strange_names(request)
        headers = dict(request.headers)
        return self._admission.admit(method=request.method, url=_url(request), headers=headers, body=body)

    def _refuse_strange_names(self, request: Request) -> None:
        """Answer to our own name alone, and to no web page: under whatever name one found us. Raises Refusal."""
        if request.headers.get("host") != self._name or "origin" in request.headers:
            raise Refusal("wrong-host")

    def _hand_out(self, asked: Asked) -> bytes:
        sha256, content = self._vocabulary
        if asked.path("sha256") != sha256:
            raise Refusal("not-found")
        return content

    def _close(self, asked: Asked) -> Answer:
        return {"receipt": self._service.close(asked.client, asked.path("job"), asked.fields).to_wire()}

    def _unpair(self, asked: Asked) -> Answer:
        self._unpaired(asked.client)
        return {}

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        return self._signed(request, REASONS[refusal.code].status, _told(refusal), _headers_for(refusal))

    def _signed(self, request: Request, status: int, content: bytes, headers: dict[str, str]) -> Response:
        return _response(status, content, self._with_signature(request, status, content, headers))

    def _with_signature(
        self, request: Request, status: int, content: bytes | None, headers: dict[str, str]
    ) -> dict[str, str]:
        """The headers of an answer, signed where the request had a signature to bind it to."""
        bound = Bound(request.method, _url(request), dict(request.headers))
        try:
            return sign_response(
                self._service.own.node, status=status, body=content, headers=headers, request=bound, now=time.time()
            )
        except Refused:
            return headers


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    from starlette.routing import Route

    return Route(path, endpoint, methods=[method])


def _response(status: int, content: bytes, headers: dict[str, str]) -> Response:
    from starlette.responses import Response as Plain

    return Plain(content, status, headers)


def _headers_for(refusal: Refusal) -> dict[str, str]:
    """A connection with a body that nobody has read is good for nothing more."""
    return {**_JSON, "connection": "close"} if refusal.code in _UNREAD else _JSON


def _told(refusal: Refusal) -> bytes:
    return canonical({"error": {"code": refusal.code, "detail": refusal.detail}})


async def _body_of(request: Request, most: int) -> bytes:
    """Raises Refusal."""
    if "content-encoding" in request.headers:
        raise Refusal("malformed")
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        raise Refusal("too-large" if length.isdigit() else "malformed")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise Refusal("too-large")
    except TimeoutError as error:
        raise Refusal("too-slow") from error
    return bytes(body)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        return object_from(body)
    except ValueError as error:
        raise Refusal("malformed") from error


def _number(after: str | None) -> int:
    """The last event that the reader has; -1 for none."""
    if after is None:
        return -1
    if not after.isdecimal() or len(after) > 12:
        raise Refusal("malformed")
    return int(after)


def _url(request: Request) -> str:
    """As the sender meant it: path and query as they came."""
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return f"https://{request.headers.get('host', '')}{path}" + (f"?{query}" if query else "")
