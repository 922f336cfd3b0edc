"""A TCP relay on loopback that can be cut and joined, held up, or made to lose or change what it carries."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PIECE_BYTES = 65536
TURN_SECONDS = 0.02


class Relay:
    """Carries bytes between whoever connects and the one address; `cut()` ends all of it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._upload_bytes_left: int | None = None
        self._is_cut = self._is_held = self._ended = self._loses_answer = False
        self._awaited: tuple[bytes, bytes] | None = None
        self._told: set[socket.socket] = set()
        self._silenced: set[socket.socket] = set()
        self._change: tuple[bytes, bytes] | None = None
        self._changes_uploads = False
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where it listens, to HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *, after_upload_bytes: int = 0) -> None:
        """Let nobody through any more, from now on or from so many bytes on."""
        if after_upload_bytes:
            self._upload_bytes_left = after_upload_bytes
        else:
            self._is_cut = True

    def join(self) -> None:
        """Let everybody through again."""
        self._upload_bytes_left, self._is_cut, self._is_held = None, False, False

    def hold(self) -> None:
        """Carry nothing more, and keep every connection open."""
        self._is_held = True

    def lose_answer(self) -> None:
        """Close the connection on which the next answer comes."""
        self._loses_answer = True

    def lose_answer_to(self, word: bytes, *, after: bytes) -> None:
        """Once, where `after` was carried: let this word through, and close before its answer comes."""
        self._awaited = (word, after)

    def change(self, old: bytes, new: bytes, *, uploads: bool = False) -> None:
        """Carry other bytes than came, in uploads or in answers."""
        self._change, self._changes_uploads = (old, new), uploads

    def end(self) -> None:
        """Close all there is."""
        self._ended = True
        self._thread.join()
        self._close_all()
        self._listener.close()
        self._selector.close()

    def _carry(self) -> None:
        while not self._ended:
            if self._is_cut:
                self._close_all()
            if self._is_held:
                time.sleep(TURN_SECONDS)
                continue
            for key, _ in self._selector.select(TURN_SECONDS):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._peers:
                    self._pass_on(key.fileobj, upload=key.data)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._is_cut:
            client.close()
            return
        try:
            server = socket.create_connection(self._address)
        except OSError:
            # Whom it leads to is away: whoever calls learns that.
            client.close()
            return
        for one, other, upload in ((client, server, True), (server, client, False)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ, upload)

    def _pass_on(self, from_: socket.socket, *, upload: bool) -> None:
        try:
            piece = from_.recv(PIECE_BYTES)
            if upload and self._upload_bytes_left is not None:
                self._upload_bytes_left -= len(piece)
                if self._upload_bytes_left <= 0:
                    self._is_cut = True
                    return
            if upload:
                self._listen(from_, piece)
            elif from_ in self._silenced:
                piece = b""
            if self._change and upload is self._changes_uploads:
                piece = piece.replace(*self._change)
            if self._loses_answer and not upload:
                self._loses_answer = False
            elif piece:
                self._peers[from_].sendall(piece)
                return
        except OSError:
            pass
        self._close(from_)

    def _listen(self, client: socket.socket, piece: bytes) -> None:
        if self._awaited:
            word, after = self._awaited
            if after in piece:
                self._told.add(client)
            if client in self._told and word in piece:
                self._awaited = None
                self._silenced.add(self._peers[client])

    def _close_all(self) -> None:
        for one in list(self._peers):
            self._close(one)

    def _close(self, one: socket.socket) -> None:
        for end in (one, self._peers.get(one)):
            if end is not None and end in self._peers:
                self._selector.unregister(end)
                del self._peers[end]
                with suppress(OSError):
                    end.close()


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    """Begin to carry, and end it with the block."""
    relay = Relay(url)
    try:
        yield relay
    finally:
        relay.end()
