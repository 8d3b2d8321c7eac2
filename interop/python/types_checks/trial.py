"""What a check of the server works in: connections of Twisted's to a port."""

from twisted.internet.defer import Deferred

from support import type_commands as commands
from support.checks import Checks, equal
from support.raw import connect
from support.types_service import TypesService

CHECKS = Checks()


class Caller(TypesService):
    """Serves everything itself, so that the server can call back."""

    def __init__(self):
        super().__init__()
        self.lost = Deferred()

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.lost.callback(None)


class Trial:
    def __init__(self, port, native, integer_bits, outstanding):
        self.native = native
        self.integer_bits = integer_bits
        self.outstanding = outstanding
        self._port = port
        self._peers = []

    async def peer(self):
        peer = Caller()
        await connect(self._port, peer)
        self._peers.append(peer)
        return peer

    async def ends(self, peer):
        """After an internal error, which ends a connection in Twisted and not in native mode."""
        if self.native:
            await self.usable(peer)
        else:
            await peer.lost

    async def usable(self, peer):
        equal(await peer.callRemote(commands.Double, number=21), {"number": 42}, "Double of 21")

    def fits(self, number):
        return not self.integer_bits or number.bit_length() < self.integer_bits

    async def still_healthy(self):
        await self.usable(await self.peer())

    def clean_up(self):
        for peer in self._peers:
            if peer.transport is not None:
                peer.transport.abortConnection()


async def failure_of(call):
    """The exception that a call ends with; it must not succeed."""
    try:
        answer = await call
    except Exception as error:
        return error
    raise AssertionError(f"expected an error, found {answer!r}")
