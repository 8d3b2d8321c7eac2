#!/usr/bin/env python3
"""The guide's BoxReflector, a box receiver that sends each box back, behind a listening port."""

from listening import serve
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, IBoxReceiver
from zope.interface import implementer


@implementer(IBoxReceiver)
class BoxReflector:
    def startReceivingBoxes(self, boxSender):
        self.boxSender = boxSender

    def ampBoxReceived(self, box):
        self.boxSender.sendBox(box)

    def stopReceivingBoxes(self, reason):
        self.boxSender = None


if __name__ == "__main__":
    factory = Factory()
    factory.protocol = lambda: AMP(boxReceiver=BoxReflector())
    serve(__doc__, factory)
