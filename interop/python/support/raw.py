"""A connection on which a check writes and reads exact bytes."""

from struct import pack

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol
from zope.interface import implementer


class Unexpected(AssertionError):
    """The other side did something else than the contract says."""


def raw(text):
    return text.encode("utf-8") if isinstance(text, str) else text


def encode(fields):
    """A box on the wire: a dictionary's pairs sorted by key, or a list's pairs as they stand."""
    if isinstance(fields, dict):
        fields = sorted((raw(key), raw(value)) for key, value in fields.items())
    parts = []
    for key, value in fields:
        key, value = raw(key), raw(value)
        parts += [pack("!H", len(key)), key, pack("!H", len(value)), value]
    return b"".join(parts) + b"\0\0"


def request(name, arguments=None, tag=None):
    """A command's box; without a tag it asks for no answer."""
    fields = {"_command": name, **(arguments or {})}
    if tag is not None:
        fields["_ask"] = tag
    return encode(fields)


def answer(tag, fields=None):
    return encode({"_answer": tag, **(fields or {})})


def error(tag, code, description="told so"):
    return encode({"_error": tag, "_error_code": code, "_error_description": description})


def take_box(data):
    """The first box as a dictionary and what follows it; None when it is not complete yet."""
    fields, at = {}, 0
    key = None
    while len(data) >= at + 2:
        length = int.from_bytes(data[at : at + 2], "big")
        if key is None and length > 255:
            raise Unexpected(f"key length {length} in {data[at : at + 40]!r}")
        end = at + 2 + length
        if len(data) < end:
            return None
        piece, at = bytes(data[at + 2 : end]), end
        if key is not None:
            fields[key], key = piece, None
        elif piece:
            key = piece
        else:
            return fields, data[at:]
    return None


@implementer(IHandshakeListener)
class RawPeer(Protocol):
    """Gathers what arrives and lets a coroutine wait for it."""

    def __init__(self):
        self.received = bytearray()
        self.ended = None
        self._secured = Deferred()
        self._waiting = []

    # Reading

    async def box(self):
        """The next box, as a dictionary of bytes."""

        def take():
            taken = take_box(self.received)
            if taken is None:
                return None
            self.received = taken[1]
            return taken[0]

        return await self._until(take, "a box")

    async def boxes(self, count):
        return [await self.box() for _ in range(count)]

    async def line(self):
        def take():
            line, newline, rest = bytes(self.received).partition(b"\n")
            if not newline:
                return None
            self.received = bytearray(rest)
            return line

        return await self._until(take, "a line")

    async def answer(self, tag):
        """The next box, which must be the answer with this tag: its other fields."""
        box = await self.box()
        if box.pop(b"_answer", None) != raw(tag):
            raise Unexpected(f"expected the answer {tag!r}, found {box!r}")
        return box

    async def error(self, tag, code):
        """The next box, which must be this error: its description."""
        box = await self.box()
        if box.get(b"_error") != raw(tag) or box.get(b"_error_code") != raw(code):
            raise Unexpected(f"expected the error {code!r} for {tag!r}, found {box!r}")
        if set(box) != {b"_error", b"_error_code", b"_error_description"}:
            raise Unexpected(f"an error box with the keys {sorted(box)!r}")
        return box[b"_error_description"].decode("utf-8")

    async def closed(self):
        """Waits for the end of the connection; nothing unread may be left."""
        await self.end()
        if self.received:
            raise Unexpected(f"unexpected bytes before the end: {bytes(self.received[:200])!r}")

    async def end(self):
        """Waits for the end of the connection."""
        await self._until(lambda: True if self.ended else None, "the end", ends_well=True)

    async def usable(self, tag="still-there"):
        """One more call works, and its answer is the next box."""
        self.write(request("Ping", {"n": "77"}, tag))
        fields = await self.answer(tag)
        if fields != {b"n": b"77"}:
            raise Unexpected(f"Ping with n=77 was answered with {fields!r}")

    async def closed_or_usable(self):
        """What the contract allows in native mode after what ends a connection in Twisted."""
        self.write(request("Ping", {"n": "78"}, "still-there"))

        def take():
            if self.ended:
                return True
            taken = take_box(self.received)
            if taken is None:
                return None
            box, self.received = taken
            if box != {b"_answer": b"still-there", b"n": b"78"}:
                raise Unexpected(f"expected the end or a Ping's answer, found {box!r}")
            return True

        await self._until(take, "the end or an answer", ends_well=True)

    async def _until(self, take, what, ends_well=False):
        while True:
            taken = take()
            if taken is not None:
                return taken
            if self.ended and not ends_well:
                raise Unexpected(f"the connection ended before {what}")
            progress = Deferred()
            self._waiting.append(progress)
            await progress

    # Writing

    def write(self, data):
        if not self.ended:
            self.transport.write(data)

    async def write_in_pieces(self, data, size=1):
        """Every piece in a segment of its own, as far as the kernel lets one choose."""
        self.transport.setTcpNoDelay(True)
        for at in range(0, len(data), size):
            self.write(data[at : at + size])
            await turn()

    def half_close(self):
        self.transport.loseWriteConnection()

    def close(self):
        if not self.ended:
            self.transport.loseConnection()

    def reset(self):
        if not self.ended:
            self.transport.abortConnection()

    async def start_tls(self, context):
        """The handshake; as client or server, whichever this connection is."""
        self.transport.startTLS(context)
        await self._secured

    # Twisted's side

    def dataReceived(self, data):
        self.received += data
        self._progress()

    def handshakeCompleted(self):
        if not self._secured.called:
            self._secured.callback(None)

    def connectionLost(self, reason):
        self.ended = reason
        if not self._secured.called:
            self._secured.addErrback(lambda _failure: None)
            self._secured.errback(reason)
        self._progress()

    def _progress(self):
        waiting, self._waiting = self._waiting, []
        for progress in waiting:
            progress.callback(None)


async def connect(port, protocol):
    return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), protocol)


def turn():
    """Lets the reactor do what is due."""
    done = Deferred()
    reactor.callLater(0, done.callback, None)
    return done
