#!/usr/bin/env python3
"""
A box receiver that sends boxes to a reflector and expects each of them back, in order.

Not in the guide; it is the other half that shows whether somebody else's reflector is one.
"""

import sys

from basic_client import finish, port_argument
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, Box, IBoxReceiver
from zope.interface import implementer

BOXES = [
    Box({b"key": b"value"}),
    Box({b"_command": b"Nobody", b"_ask": b"1"}),
    Box({b"_answer": b"1"}),
    Box({b"_error": b"1"}),
    Box({b"k" * 255: b"v" * 65535, b"\xff": b""}),
] + [Box({b"number": b"%d" % n}) for n in range(500)]


@implementer(IBoxReceiver)
class Expecting:
    def __init__(self):
        self.done = Deferred()
        self._expected = list(BOXES)

    def startReceivingBoxes(self, boxSender):
        for box in BOXES:
            boxSender.sendBox(box)

    def ampBoxReceived(self, box):
        expected = self._expected.pop(0)
        if box != expected:
            self._end(1, f"expected {expected!r}, found {box!r}")
        elif not self._expected:
            self._end(0, f"{len(BOXES)} boxes came back")

    def stopReceivingBoxes(self, reason):
        self._end(1, f"the connection ended, {len(self._expected)} boxes were still expected")

    def _end(self, code, message):
        if not self.done.called:
            print(message, flush=True)
            self.done.callback(code)


def main():
    options = port_argument(__doc__).parse_args()
    receiver = Expecting()
    factory = Factory()
    factory.protocol = lambda: AMP(boxReceiver=receiver)
    connected = TCP4ClientEndpoint(reactor, "127.0.0.1", options.port).connect(factory)
    connected.addCallback(lambda _protocol: receiver.done)
    return finish(connected, options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
