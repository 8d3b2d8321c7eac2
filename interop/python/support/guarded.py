"""Twisted's AMP without the two weak places that the contract forbids."""

from twisted.protocols import amp


class GuardedAMP(amp.AMP):
    """
    Twisted carries out plain-text boxes that stand behind StartTLS as if they had come through
    TLS, and holds every later box back for ever when its own StartTLS is refused. The contract
    says otherwise in both cases, so a peer that keeps it needs these few lines.
    """

    def ampBoxReceived(self, box):
        # The flag is set when TLS begins and cleared by the next read, which is the first one
        # that comes through TLS: a box seen in between was sent in plain text.
        if self._justStartedTLS:
            self.transport.abortConnection()
            return
        super().ampBoxReceived(box)

    def dataReceived(self, data):
        # The same for the beginning of a box.
        if self._justStartedTLS and (self._currentBox is not None or self._unprocessed):
            self.transport.abortConnection()
            return
        super().dataReceived(data)

    def sendBox(self, box):
        if self._startingTLSBuffer is not None:
            # A box that cannot be encoded must fail now, where its sender is still known.
            amp.AmpBox(box).serialize()
        super().sendBox(box)

    def resumePlainText(self):
        """Our StartTLS was refused: send what was held back meanwhile."""
        held, self._startingTLSBuffer = self._startingTLSBuffer or [], None
        for box in held:
            self.sendBox(box)
