"""The control server: the clients of the Unix socket, each answered in its turn.

A message is one line (control_lines), a method is a verb (control_verbs). Who may connect is
decided by the socket's file and again by the kernel's word on who connected (control_socket).
However many clients there are and whatever they send, their memory is bounded and the others get
answers.

    server = ControlServer(session, config.control, config.limits)
    await server.start(tasks.spawn, inherited_socket)    # the state folder is locked by now
    await server.stop()
"""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

from torrentd.config.schema import Control, Limits
from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_lines import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METAINFO_BYTES_MAX,
    NOT_ALLOWED,
    REFUSED,
    SCHEMA,
    TOO_BUSY,
    LineError,
    Request,
    decode_request,
    encode_error,
    encode_notification,
    encode_result,
)
from torrentd.daemon.control_socket import Access, Listener, find_group, listen, peer_credentials
from torrentd.daemon.control_stream import (
    REQUEST_S,
    ClientGone,
    ClientStream,
    RequestTooLong,
    RequestTooSlow,
)
from torrentd.daemon.control_verbs import Commands, Verbs
from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import Refused

ACCEPT_PAUSE_S = 1.0  # after accept failed: no file descriptors left
TURNED_AWAY_MAX = 32  # told why at once; beyond it they are closed without a word
SMALL_METAINFO_BYTES = 1024 * 1024  # larger ones come one client at a time

Spawn: TypeAlias = Callable[[Coroutine[object, object, None], str], asyncio.Task[None]]

log = get_logger("control")


@dataclass(slots=True, eq=False)
class _Client:
    stream: ClientStream
    busy: bool = False  # a request is being answered


class ControlServer:
    """`more` are verbs beside those of the session. `credentials` is the kernel's word on who
    connected: pid, uid, gid."""

    def __init__(
        self,
        commands: Commands,
        control: Control,
        limits: Limits,
        *,
        more: Mapping[str, Run] | None = None,
        credentials: Callable[[socket.socket], tuple[int, int, int]] = peer_credentials,
        request_s: float = REQUEST_S,
    ) -> None:
        self._verbs = Verbs(commands, more)
        self._control = control
        self._limits = limits
        self._credentials = credentials
        self._request_s = request_s
        self._clients: dict[_Client, None] = {}  # in the order in which they last began to idle
        self._turned_away = 0
        self._large_metainfo = asyncio.Lock()
        self._listener: Listener | None = None
        self._serving: asyncio.Task[None] | None = None
        self._access = Access(os.geteuid(), None)

    async def start(self, spawn: Spawn, inherited: socket.socket | None = None) -> None:
        """Listen and answer; raises ControlSocketError.

        The caller holds the lock of the state folder. `spawn` runs the server beside everything
        else and hears of its faults (tasks). `inherited` already listens (systemd).
        """
        group_id = find_group(self._control.group)
        self._access = Access(os.geteuid(), group_id)
        if inherited is not None:
            inherited.setblocking(False)
            self._listener = Listener(inherited, None)
        else:
            self._listener = listen(self._control.socket, self._control.permissions, group_id)
        self._serving = spawn(self._serve(self._listener.sock), "control")

    async def stop(self) -> None:
        """Answer nobody any more; the file of the socket goes."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        if self._listener is not None:
            self._listener.close()

    async def _serve(self, listener: socket.socket) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    client, _ = await asyncio.get_running_loop().sock_accept(listener)
                except OSError as error:
                    log.warning("control cannot accept", error=error.strerror)
                    await asyncio.sleep(ACCEPT_PAUSE_S)
                    continue
                client.setblocking(False)
                group.create_task(self._serve_client(client), name="control client")
                await asyncio.sleep(0)

    async def _serve_client(self, sock: socket.socket) -> None:
        line_bytes_max = self._limits.control_request_bytes_max
        stream = ClientStream(sock, line_bytes_max=line_bytes_max, request_s=self._request_s)
        client = _Client(stream)
        try:
            refusal = self._refusal(sock) or self._make_room()
            if refusal is not None:
                await self._turn_away(stream, refusal)
            else:
                self._clients[client] = None
                await self._converse(client)
        except ClientGone:
            pass
        finally:
            self._clients.pop(client, None)
            stream.close()

    def _refusal(self, sock: socket.socket) -> bytes | None:
        """The answer for a user who may not command, None for one who may."""
        try:
            _, uid, gid = self._credentials(sock)
        except OSError:
            return encode_error(None, NOT_ALLOWED, "the system does not say who you are")
        if self._access.allows(uid, gid):
            return None
        log.warning("control client not allowed", uid=uid, gid=gid)
        sentence = f"user {uid} may not command this daemon: only its own user, root and its group"
        return encode_error(None, NOT_ALLOWED, sentence)

    def _make_room(self) -> bytes | None:
        """None once there is room: whoever idles longest goes for it. Else the refusal."""
        if len(self._clients) < self._limits.control_clients_max:
            return None
        for client in self._clients:
            if not client.busy:
                del self._clients[client]
                client.stream.abort(encode_error(None, TOO_BUSY, "others need this place"))
                return None
        return encode_error(None, TOO_BUSY, "too many clients at once; try again in a moment")

    async def _turn_away(self, stream: ClientStream, answer: bytes) -> None:
        if self._turned_away >= TURNED_AWAY_MAX:
            return
        self._turned_away += 1
        try:
            await stream.refuse(answer)
        finally:
            self._turned_away -= 1

    async def _converse(self, client: _Client) -> None:
        """Requests one after the other, until one breaks the framing or the client ends."""
        stream = client.stream
        try:
            while (line := await stream.read_line()) is not None:
                client.busy = True
                await self._answer(stream, decode_request(line))
                client.busy = False
                if client in self._clients:
                    self._clients[client] = self._clients.pop(client)
        except RequestTooLong:
            sentence = f"a request is at most {self._limits.control_request_bytes_max} bytes"
            await stream.refuse(encode_error(None, INVALID_REQUEST, sentence))
        except RequestTooSlow:
            sentence = f"the request did not end within {self._request_s:g} s"
            await stream.refuse(encode_error(None, TOO_BUSY, sentence))
        except LineError as error:  # nobody knows whether torrent bytes follow
            await stream.refuse(encode_error(None, error.code, error.sentence))

    async def _answer(self, stream: ClientStream, request: Request) -> None:
        """LineError only where the framing is lost; any other refusal is an answer."""
        size_bytes = _metainfo_bytes(request)
        large = size_bytes is not None and size_bytes > SMALL_METAINFO_BYTES
        turn: AbstractAsyncContextManager[object] = self._large_metainfo if large else nullcontext()
        lengthy = request.method == "adopt"  # takes minutes, and only one of it is let in
        async with turn:
            metainfo = None if size_bytes is None else await stream.read_payload(size_bytes)
            if size_bytes is not None and metainfo is None:
                raise ClientGone
            answer = None if lengthy else await self._run(stream, request, metainfo)
        if lengthy:
            answer = await self._run(stream, request, metainfo)
        if answer is not None:
            if not request.notification:
                document = {"schema": SCHEMA, **answer.document}
                await stream.send(encode_result(request.id, document))
            if answer.then is not None:
                answer.then()

    async def _run(
        self, stream: ClientStream, request: Request, metainfo: bytes | None
    ) -> Answer | None:
        """The verb's answer; None when a refusal was sent in its place."""

        async def tell(document: Document) -> None:
            if not request.notification:
                await stream.send([encode_notification(request.method, document)])

        call = Call(metainfo, stream.hung_up, tell)
        try:
            return await self._verbs.run(request.method, request.params, call)
        except ClientGone:  # while it was told something: not a fault of ours
            raise
        except LineError as error:
            code, sentence = error.code, error.sentence
        except Refused as refused:
            code, sentence = REFUSED, str(refused)
        except OSError as error:  # the world failed, as it may: a full disk, no permission
            code, sentence = REFUSED, error.strerror or "the system refused"
        except Exception:  # a fault of ours: told to whoever asked, then raised as any other
            fault = "the daemon has a fault; its log says more"
            await stream.send([encode_error(request.id, INTERNAL_ERROR, fault)])
            raise
        if not request.notification:
            await stream.send([encode_error(request.id, code, sentence)])
        return None


def _metainfo_bytes(request: Request) -> int | None:
    """How many raw bytes follow the line of an `add`; LineError when that is not clear."""
    if request.method not in ("add", "adopt") or "metainfo_bytes" not in request.params:
        return None
    size_bytes = request.params["metainfo_bytes"]
    if isinstance(size_bytes, bool) or not isinstance(size_bytes, int):
        raise LineError(INVALID_PARAMS, '"metainfo_bytes" must be an integer')
    if not 1 <= size_bytes <= METAINFO_BYTES_MAX:
        sentence = f"a torrent file has 1 to {METAINFO_BYTES_MAX} bytes, not {size_bytes:.6g}"
        raise LineError(INVALID_PARAMS, sentence)
    return size_bytes
