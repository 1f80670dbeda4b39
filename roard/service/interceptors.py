"""What stands before every method: the token, the count of calls, and errors turned into statuses."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from roard.errors import BadRequest, BadToken, DaemonStopping, InternalError, RoarError
from roard.service.convert import error_to_pb

log = logging.getLogger(__name__)

TOKEN_KEY = "roar-token"  # noqa: S105  the name of the field, not the secret
ERROR_KEY = "roar-error-bin"
# What a client may ask of a daemon that is starting or ending.
_ALWAYS = "/roar.v1.DaemonService/"

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True)
class _Unreadable:
    """Stands for a request whose bytes are no message."""

    problem: str


_Parsed: TypeAlias = "Message | _Unreadable"


def _parser(parse: Callable[[bytes], Message]) -> Callable[[bytes], _Parsed]:
    """Returns a parser that never raises: grpc would answer INTERNAL, and write a page into the log for each."""

    def parse_or_tell(body: bytes) -> _Parsed:
        try:
            return parse(body)
        except DecodeError as error:
            return _Unreadable(str(error))

    return parse_or_tell


def _objection(request: _Parsed) -> RoarError | None:
    return BadRequest(f"the request cannot be parsed: {request.problem}") if isinstance(request, _Unreadable) else None


class Gate(grpc.aio.ServerInterceptor):
    """Lets calls with the right token in, and sees every error on its way out."""

    def __init__(self, token: str, log_path: str) -> None:
        self._token = token
        self._log_path = log_path
        self.loaded = asyncio.Event()
        """Set when all services are there; until then calls wait."""
        self.stopping = False
        """True: new work is refused."""
        self.calls = 0
        """Under way."""
        self.last_call = time.monotonic()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the method that a call asks for."""
        if not handler_call_details.method.startswith(_ALWAYS):
            self.calls += 1
            try:
                await self.loaded.wait()
            finally:
                self.calls -= 1
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        refusal = self._refusal(handler_call_details)
        parse = _parser(handler.request_deserializer)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(handler.unary_stream, refusal),
                request_deserializer=parse,
                response_serializer=handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(handler.unary_unary, refusal),
            request_deserializer=parse,
            response_serializer=handler.response_serializer,
        )

    def _refusal(self, details: grpc.HandlerCallDetails) -> RoarError | None:
        shown = next((value for key, value in details.invocation_metadata if key == TOKEN_KEY), "")
        given = shown.encode() if isinstance(shown, str) else shown
        if not hmac.compare_digest(given, self._token.encode()):
            return BadToken()
        if self.stopping and not details.method.startswith(_ALWAYS):
            return DaemonStopping()
        return None

    def _unary(self, method: Any, refusal: RoarError | None) -> Callable[[_Parsed, Any], Awaitable[Message]]:
        async def call(request: _Parsed, context: _Context) -> Message:
            async with self._watched(context, refusal or _objection(request)):
                response: Message = await method(request, context)
            return response

        return call

    def _stream(self, method: Any, refusal: RoarError | None) -> Callable[[_Parsed, Any], AsyncIterator[Message]]:
        async def call(request: _Parsed, context: _Context) -> AsyncIterator[Message]:
            async with self._watched(context, refusal or _objection(request)):
                async for response in method(request, context):
                    yield response

        return call

    @asynccontextmanager
    async def _watched(self, context: _Context, refusal: RoarError | None) -> AsyncIterator[None]:
        """Counts a call, and turns what it raises into a status: the border of every request."""
        self.calls += 1
        try:
            if refusal is None:
                yield
        except RoarError as error:
            refusal = error
        except Exception:
            log_id = secrets.token_hex(4)
            log.exception("%s: request failed", log_id)
            refusal = InternalError(log_id, self._log_path)
        finally:
            self.calls -= 1
            self.last_call = time.monotonic()
        if refusal is not None:
            await _abort(context, refusal)


async def _abort(context: _Context, error: RoarError) -> None:
    info = error_to_pb(error).SerializeToString()
    await context.abort(grpc.StatusCode[error.status], error.fact, ((ERROR_KEY, info),))
