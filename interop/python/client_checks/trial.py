"""What a check of a client works in: a server of ours, and the client driven by JSON lines."""

import json

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from support.checks import Checks, equal
from support.program import Program
from support.raw import RawPeer, Unexpected
from support.reference_server import ReferenceFactory

CHECKS = Checks()


class Client:
    """The program under test, and the results it has written."""

    def __init__(self, program):
        self.program = program
        self._last_id = 0
        self._results = {}

    def begin(self, **order):
        """Writes an order; gives the id under which its result will come."""
        self._last_id += 1
        self.write_order({"id": self._last_id, **order})
        return self._last_id

    def write_order(self, order):
        self.program.write(json.dumps(order).encode("ascii") + b"\n")

    def call(self, name, **arguments):
        return self.begin(call=name, args=arguments)

    def send(self, name, **arguments):
        return self.begin(send=name, args=arguments)

    async def result(self, order):
        """The result with this id: the fields, or the error as (kind, code, description)."""
        while order not in self._results:
            found = await self.next_result()
            if found["id"] in self._results:
                raise Unexpected(f"a second result for {found['id']!r}: {found!r}")
            self._results[found["id"]] = found
        return outcome(self._results[order])

    async def next_result(self):
        """The next line of its output, whatever its id."""
        line = await self.program.line()
        try:
            found = json.loads(line)
        except ValueError:
            raise Unexpected(f"not a line of JSON: {line[:300]!r}") from None
        if not isinstance(found, dict) or len({"ok", "error"} & set(found)) != 1 or "id" not in found:
            raise Unexpected(f"neither ok nor error with an id: {line[:300]!r}")
        return found

    async def succeeds(self, order, fields):
        equal(await self.result(order), fields, "result")

    async def fails(self, order, *kinds):
        """The order must end in an error of one of these kinds, one without a code."""
        found = await self.result(order)
        if not isinstance(found, tuple) or found[0] not in kinds:
            raise Unexpected(f"expected an error of kind {' or '.join(kinds)}, found {found!r}")

    async def fails_with(self, order, kind, code, description):
        equal(await self.result(order), (kind, code, description), "error")

    async def lives(self, peer):
        """One more call works over the raw connection."""
        order = self.call("Ping", n="31")
        box = await peer.box()
        equal((box.get(b"_command"), box.get(b"n")), (b"Ping", b"31"), "request")
        peer.write(b"\0\x07_answer" + len(box[b"_ask"]).to_bytes(2, "big") + box[b"_ask"] + b"\0\x01n\0\x0231\0\0")
        await self.succeeds(order, {"n": "31"})


def outcome(found):
    if "ok" in found:
        return found["ok"]
    error = found["error"]
    kind = error.get("kind")
    if kind in ("declared", "unhandled", "unknown"):
        return (kind, error.get("code"), error.get("description"))
    if "code" in error:
        raise Unexpected(f"an error of kind {kind!r} with a code: {error!r}")
    return (kind, None, None)


class Trial:
    """One check's server and client, ended when it is over."""

    def __init__(self, command, native, integer_bits, authority):
        self.native = native
        self.integer_bits = integer_bits
        self.authority = authority
        self._command = command + (["--native"] if native else [])
        self._listening = []
        self._programs = []
        self._factories = []

    async def raw(self):
        """A client that is connected to exact bytes: (client, connection)."""
        accepted = Deferred()

        class Accepting(RawPeer):
            def connectionMade(self):
                accepted.callback(self)

        client = self._start(Factory.forProtocol(Accepting))
        return client, await accepted

    def reference(self, certificate=None):
        """A client of the contract's server on Twisted."""
        factory = ReferenceFactory(certificate)
        self._factories.append(factory)
        return self._start(factory)

    def _start(self, factory):
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self._listening.append(listening)
        trusted = ["--tls-ca", self.authority.file] if self.authority else []
        address = ["127.0.0.1", str(listening.getHost().port)]
        program = Program(self._command + trusted + address)
        self._programs.append(program)
        return Client(program)

    async def ends(self, client, peer):
        """After something that ends a connection in Twisted and may leave it open in native mode."""
        if not self.native:
            await peer.end()
            return
        order = client.call("Ping", n="31")
        try:
            box = await peer.box()
        except Unexpected:
            await client.fails(order, "lost")
            return
        peer.write(b"\0\x07_answer" + len(box[b"_ask"]).to_bytes(2, "big") + box[b"_ask"] + b"\0\x01n\0\x0231\0\0")
        await client.succeeds(order, {"n": "31"})

    def fits(self, number):
        return not self.integer_bits or number.bit_length() < self.integer_bits

    async def still_healthy(self):
        """At the end of its input the program exits with 0, whatever happened before."""
        for program in self._programs:
            if not program.ended:
                program.end_input()
            code = await program.exited()
            if code != 0:
                raise Unexpected(f"the program ended with {code} at the end of its input")

    def clean_up(self):
        for listening in self._listening:
            listening.stopListening()
        for program in self._programs:
            program.kill()
        for factory in self._factories:
            for protocol in factory.protocols:
                if protocol.transport is not None:
                    protocol.transport.abortConnection()
