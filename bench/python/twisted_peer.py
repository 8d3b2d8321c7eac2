"""`Sum` calls with Twisted's AMP.

    twisted_peer.py server
    twisted_peer.py client PORT OUTSTANDING SECONDS

The server prints `listening PORT`, the client how many calls ended in a second.
"""

import sys
import time

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, Command, Integer


class Sum(Command):
    arguments = [(b"a", Integer()), (b"b", Integer())]
    response = [(b"total", Integer())]


class Adder(AMP):
    noisy = False

    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        super().connectionMade()


def fail(failure):
    failure.printTraceback()
    reactor.stop()


def serve():
    factory = Factory.forProtocol(Adder)
    factory.noisy = False
    listening = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    listening.addCallback(
        lambda port: print("listening", port.getHost().port, flush=True)
    )
    listening.addErrback(fail)


def call(port, outstanding, seconds):
    def connected(peer):
        start = time.monotonic()
        state = {"calls": 0, "active": outstanding}

        def again(answer, caller, n):
            assert answer is None or answer["total"] == caller + n
            state["calls"] += answer is not None
            if time.monotonic() - start < seconds:
                n += 1
                deferred = peer.callRemote(Sum, a=caller, b=n)
                deferred.addCallback(again, caller, n)
                deferred.addErrback(fail)
                return
            state["active"] -= 1
            if not state["active"]:
                print(state["calls"] / (time.monotonic() - start), flush=True)
                reactor.stop()

        for caller in range(outstanding):
            again(None, caller, 0)

    factory = Factory.forProtocol(Adder)
    factory.noisy = False
    connecting = TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)
    connecting.addCallbacks(connected, fail)


def main(arguments):
    if arguments == ["server"]:
        serve()
    elif len(arguments) == 4 and arguments[0] == "client":
        call(int(arguments[1]), int(arguments[2]), float(arguments[3]))
    else:
        sys.exit(__doc__)
    reactor.run()


main(sys.argv[1:])
