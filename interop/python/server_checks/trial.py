"""What a check of a server works in."""

from twisted.protocols import amp

from support import contract
from support.checks import Checks
from support.raw import RawPeer, Unexpected, connect

CHECKS = Checks()


class Caller(amp.AMP):
    """Twisted as the server's client; it serves Ping."""

    @contract.Ping.responder
    def ping(self, n):
        return {"n": n}


class Setting:
    """The servers under test, started once for all checks."""

    def __init__(self, native, integer_bits, plain, secured, authority):
        self.native = native
        self.integer_bits = integer_bits
        self.plain_program, self.plain_port = plain
        self.secured_program, self.secured_port = secured or (None, None)
        self.authority = authority


class Trial:
    """One check's connections, closed when it is over."""

    def __init__(self, setting):
        self.native = setting.native
        self.integer_bits = setting.integer_bits
        self.authority = setting.authority
        self._setting = setting
        self._peers = []

    async def raw(self, secured=False):
        """A connection for exact bytes; `secured`: to the server that has a certificate."""
        return await self._connected(RawPeer(), secured)

    async def amp(self, secured=False):
        """A connection that Twisted's AMP speaks on."""
        return await self._connected(Caller(), secured)

    async def _connected(self, protocol, secured):
        port = self._setting.secured_port if secured else self._setting.plain_port
        await connect(port, protocol)
        self._peers.append(protocol)
        return protocol

    async def ends(self, peer):
        """After something that ends a connection in Twisted and may leave it open in native mode."""
        if self.native:
            await peer.closed_or_usable()
        else:
            await peer.closed()

    def fits(self, number):
        """Whether the program's Integer holds the number."""
        return not self.integer_bits or number.bit_length() < self.integer_bits

    async def still_healthy(self):
        """Whatever the check did, the server must go on."""
        for program in [self._setting.plain_program, self._setting.secured_program]:
            if program is not None and program.ended:
                raise Unexpected(f"the server has ended with {program.exit_code}")
        await (await self.raw()).usable()

    def clean_up(self):
        for peer in self._peers:
            if peer.transport is not None:
                peer.transport.abortConnection()
