"""The serving side of the contract, on real Twisted."""

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from . import contract
from .guarded import GuardedAMP


class EchoLines(Protocol):
    """Repeats each line behind `echo:` and closes after a line `bye`."""

    def __init__(self):
        self._rest = b""

    def dataReceived(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.transport.write(b"echo:" + line + b"\n")
            if line == b"bye":
                self.transport.loseConnection()
                return


class ReferenceServer(GuardedAMP):
    """One connection of `interop_server`."""

    def __init__(self, certificate=None):
        super().__init__()
        self._certificate = certificate
        self._texts = []

    @contract.Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    @contract.Divide.responder
    def divide(self, numerator, denominator):
        if denominator == 0:
            raise contract.ZeroDivision("division by zero")
        return {"result": float(numerator) / float(denominator)}

    @contract.EchoTypes.responder
    def echo_types(self, **fields):
        return fields

    @contract.Delay.responder
    def delay(self, seconds):
        if seconds > 0:
            return deferLater(reactor, seconds, dict)
        return succeed({})

    @contract.Fail.responder
    def fail(self, kind, message):
        text = "failed" if message is None else message
        if kind == "declared":
            raise contract.Declared(text)
        if kind == "fatal":
            raise contract.Fatal(text)
        if kind == "undeclared":
            raise RuntimeError(text)
        return {}

    @contract.Notify.responder
    def notify(self, text):
        self._texts.append(text)
        return {}

    @contract.Notified.responder
    def notified(self):
        return {"texts": list(self._texts)}

    @contract.CallMe.responder
    async def call_me(self, times):
        total = 0
        for n in range(1, times + 1):
            try:
                answer = await self.callRemote(contract.Ping, n=n)
            except ConnectionClosed:
                raise
            except Exception as error:
                raise contract.PingFailed(f"Ping {n} failed: {error}") from error
            total += answer["n"]
        return {"total": total}

    @contract.Ping.responder
    def ping(self, n):
        return {"n": n}

    @contract.BigEcho.responder
    def big_echo(self, data):
        return {"data": data}

    @contract.StartTLS.responder
    def start_tls(self):
        if self._certificate is None:
            raise contract.TLSRefused("this server has no certificate")
        return {"tls_localCertificate": self._certificate}

    @contract.Switch.responder
    def switch(self, name):
        if name != "echo":
            raise contract.NoSuchProtocol(f"no protocol {name!r}")
        return EchoLines()


class ReferenceFactory(Factory):
    """Remembers its connections, so that a check may close them from this side."""

    def __init__(self, certificate=None):
        self._certificate = certificate
        self.protocols = []

    def buildProtocol(self, addr):
        protocol = ReferenceServer(self._certificate)
        protocol.factory = self
        self.protocols.append(protocol)
        return protocol
