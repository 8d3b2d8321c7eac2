#!/usr/bin/env python3
"""
Twisted that begins TLS in the middle of a connection, asked or asking, and says what it sees.

It listens, or connects to ports, and serves the same commands either way. `StartTLS` is left to
Twisted's own responder, which has no certificate but makes one. `Secure`, which is derived from
it, uses the certificate FOLDER/TENANT.pem and demands one of FOLDER/ca.pem's when it is told to.
"""

import argparse
import os
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.protocols import amp

from support.running import listen, serve_until_killed, set_up_logging
from support.tls import Seen, load, load_pair, seen


class NoSuchTenant(Exception):
    pass


class Secure(amp.StartTLS):
    arguments = amp.StartTLS.arguments + [
        (b"tenant", amp.Unicode()),
        (b"demand", amp.Boolean(optional=True)),
    ]
    response = amp.StartTLS.response + [(b"by", amp.Unicode())]
    errors = {NoSuchTenant: b"NO_SUCH_TENANT"}


class Ask(amp.Command):
    """The peer asks this side to ask in turn, for `Secure` if a tenant is named; see `Outcome`."""

    arguments = [
        (b"tenant", amp.Unicode(optional=True)),
        (b"certificate", amp.Unicode(optional=True)),
        (b"verify", amp.Boolean(optional=True)),
        (b"demand", amp.Boolean(optional=True)),
    ]


class Outcome(amp.Command):
    """How the next of this side's asks ends, on whatever connection of this process."""

    response = [(b"by", amp.Unicode(optional=True)), (b"error", amp.Unicode(optional=True))]


class Begun(amp.Command):
    """Waits until TLS begins on the next connection of this process."""


class Queue:
    """Waits for events, or has them wait."""

    def __init__(self):
        self._events, self._waiting = [], []

    def put(self, event):
        if self._waiting:
            self._waiting.pop(0).callback(event)
        else:
            self._events.append(event)

    def take(self):
        taken = Deferred()
        if self._events:
            taken.callback(self._events.pop(0))
        else:
            self._waiting.append(taken)
        return taken


class Peer(amp.AMP):
    outcomes, beginnings = Queue(), Queue()
    folder = None

    def path(self, name):
        return os.path.join(self.folder, name + ".pem")

    @Secure.responder
    def secure(self, tenant, demand=False):
        if not os.path.exists(self.path(tenant)):
            raise NoSuchTenant(tenant)
        answer = {"tls_localCertificate": load_pair(self.path(tenant)), "by": tenant}
        if demand:
            answer["tls_verifyAuthorities"] = [load(self.path("ca"))]
        return answer

    @Seen.responder
    def see(self):
        found = seen(self.transport)
        if "subject" in found:
            # What AMP itself says of the peer is the same.
            assert self.peerCertificate.getSubject().commonName.decode() == found["subject"]
        return found

    @Ask.responder
    def ask(self, tenant=None, certificate=None, verify=False, demand=None):
        # Once this is answered.
        reactor.callLater(0, self.begin, tenant, certificate, verify, demand)
        return {}

    def begin(self, tenant, certificate, verify, demand):
        options = {}
        if certificate is not None:
            options["tls_localCertificate"] = load_pair(self.path(certificate))
        if verify:
            options["tls_verifyAuthorities"] = [load(self.path("ca"))]
        try:
            if tenant is None:
                asked = self.callRemote(amp.StartTLS, **options)
            else:
                asked = self.callRemote(Secure, tenant=tenant, demand=demand, **options)
        except amp.OnlyOneTLS as error:
            self.outcomes.put({"error": type(error).__name__})
            return
        asked.addCallback(lambda answer: {"by": answer.get("by")})
        asked.addErrback(lambda failure: {"error": f"{failure.type.__name__}: {failure.getErrorMessage()}"})
        asked.addCallback(self.outcomes.put)

    @Outcome.responder
    def outcome(self):
        return self.outcomes.take()

    @Begun.responder
    def begun(self):
        return self.beginnings.take().addCallback(lambda _: {})

    def _startTLS(self, certificate, authorities):
        super()._startTLS(certificate, authorities)
        self.beginnings.put(None)


def failed(failure):
    failure.printTraceback(sys.stderr)
    reactor.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connect", metavar="PORT", type=int, action="append", help="connect instead of listening; may be given again")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    parser.add_argument("folder", metavar="FOLDER", help="with certificates")
    options = parser.parse_args()
    set_up_logging(options.log)
    Peer.folder = options.folder
    for port in options.connect or []:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        connectProtocol(endpoint, Peer()).addErrback(failed)
    if options.connect is None:
        listen(Factory.forProtocol(Peer), 0)
    return serve_until_killed(120)


if __name__ == "__main__":
    sys.exit(main())
