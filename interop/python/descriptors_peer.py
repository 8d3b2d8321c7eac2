#!/usr/bin/env python3
"""
A Twisted peer that sends and takes open files over a Unix socket.

It listens on PATH, connects to it, or uses a socket that it inherits, and serves the same commands in all roles. The command `Check`
makes it call the commands on its peer, which must serve them too, and compare what comes.
"""

import argparse
import os
import socket
import sys

from twisted.internet import reactor
from twisted.internet.defer import gatherResults, inlineCallbacks, succeed
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.protocols import amp

from support.checks import equal
from support.running import serve_until_killed, set_up_logging


class Write(amp.Command):
    """Writes the text into the file and closes it."""

    arguments = [(b"file", amp.Descriptor()), (b"text", amp.String())]


class Read(amp.Command):
    """Gives a file from which the text can be read, in a box of about the given size."""

    arguments = [(b"text", amp.String()), (b"padding", amp.Integer())]
    response = [(b"file", amp.Descriptor()), (b"padding", amp.String())]


ROW = [(b"file", amp.Descriptor()), (b"name", amp.Unicode())]


class Sort(amp.Command):
    """Gives the files back in another order: z, the rows reversed, a."""

    arguments = [
        (b"a", amp.Descriptor()),
        (b"maybe", amp.Descriptor(optional=True)),
        (b"padding", amp.String()),
        (b"rows", amp.AmpList(ROW)),
        (b"z", amp.Descriptor()),
    ]
    response = [
        (b"files", amp.AmpList(ROW)),
        (b"maybe", amp.Descriptor(optional=True)),
        (b"padding", amp.String()),
    ]


class Check(amp.Command):
    """Calls the others on the peer."""

    response = [(b"checks", amp.Integer())]
    errors = {AssertionError: b"WRONG"}


def file_with(text):
    """The reading end of a pipe that holds the text and has an end."""
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    return reading


def read_all(file):
    """What can be read, to the end, which must be there."""
    os.set_blocking(file, False)
    text = b""
    while part := os.read(file, 65536):
        text += part
    os.close(file)
    return text


class Peer(amp.AMP):
    def __init__(self):
        super().__init__()
        self._sent = []

    def sent(self, file):
        """A file that Twisted has still to send: it does not duplicate it."""
        self._sent.append(file)
        return file

    def connectionLost(self, reason):
        super().connectionLost(reason)
        for file in self._sent:
            os.close(file)

    @Write.responder
    def write(self, file, text):
        os.write(file, text)
        os.close(file)
        return {}

    @Read.responder
    def read(self, text, padding):
        return {"file": self.sent(file_with(text)), "padding": b"p" * padding}

    @Sort.responder
    def sort(self, a, padding, rows, z, maybe=None):
        row = lambda name, file: {"name": name, "file": self.sent(file)}
        rows = [row(each["name"], each["file"]) for each in reversed(rows)]
        answer = {"files": [row("z", z), *rows, row("a", a)], "padding": padding}
        if maybe is not None:
            answer["maybe"] = self.sent(maybe)
        return answer

    @Check.responder
    @inlineCallbacks
    def check(self):
        checks = 0
        for check in [self.check_write, self.check_read, self.check_sort, self.check_many, self.check_none]:
            yield check()
            checks += 1
        return {"checks": checks}

    @inlineCallbacks
    def check_write(self, text=b"hello"):
        reading, writing = os.pipe()
        yield self.callRemote(Write, file=writing, text=text)
        os.close(writing)
        equal(read_all(reading), text, "what was written")

    @inlineCallbacks
    def check_read(self, text=b"content", padding=0):
        answer = yield self.callRemote(Read, text=text, padding=padding)
        equal(len(answer["padding"]), padding, "the size of the padding")
        equal(read_all(answer["file"]), text, "what can be read")

    @inlineCallbacks
    def check_sort(self):
        for maybe in [None, b"maybe"]:
            for padding in [0, 65535]:
                row = lambda name: {"name": name, "file": self.sent(file_with(name.encode()))}
                arguments = {
                    "a": self.sent(file_with(b"a")),
                    "padding": b"p" * padding,
                    "rows": [row("first"), row("second"), row("third")],
                    "z": self.sent(file_with(b"z")),
                }
                if maybe:
                    arguments["maybe"] = self.sent(file_with(maybe))
                answer = yield self.callRemote(Sort, **arguments)
                names = [each["name"] for each in answer["files"]]
                equal(names, ["z", "third", "second", "first", "a"], "the order of the files")
                for each in answer["files"]:
                    equal(read_all(each["file"]), each["name"].encode(), "the content of a file")
                equal(answer.get("maybe") is None, maybe is None, "the optional file is there")
                if maybe:
                    equal(read_all(answer["maybe"]), maybe, "the content of the optional file")
                equal(len(answer["padding"]), padding, "the size of the padding")

    def check_many(self):
        """In one turn of the reactor: Twisted sends all files with the first bytes."""
        calls = []
        for number in range(100):
            text = b"%d" % number
            calls.append(self.check_write(text))
            calls.append(self.check_read(text, number * 600))
        return gatherResults(calls, consumeErrors=True)

    @inlineCallbacks
    def check_none(self):
        try:
            yield self.callRemoteString(b"Write", file=b"99999", text=b"")
        except amp.RemoteAmpError as error:
            equal(error.errorCode, b"UNKNOWN", "the code of the error")
            equal("99999" in error.description, True, "the description names the ordinal")
        else:
            raise AssertionError("an ordinal without a file was taken")


def serve(path):
    listening = UNIXServerEndpoint(reactor, path).listen(Factory.forProtocol(Peer))
    return listening.addCallback(lambda _: print("listening", flush=True))


class OnlyPeer(Peer):
    def connectionLost(self, reason):
        super().connectionLost(reason)
        reactor.stop()


def connect(path):
    return connectProtocol(UNIXClientEndpoint(reactor, path), OnlyPeer())


def adopt(number):
    reactor.adoptStreamConnection(int(number), socket.AF_UNIX, Factory.forProtocol(OnlyPeer))
    os.close(int(number))
    return succeed(None)


def failed(failure):
    failure.printTraceback(sys.stderr)
    reactor.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    serving = modes.add_parser("serve", help="listen, print `listening`, and serve until killed")
    connecting = modes.add_parser("connect", help="connect, and serve until the connection ends")
    adopting = modes.add_parser("adopt", help="use an inherited socket, and serve until the connection ends")
    serving.add_argument("path", metavar="PATH", help="of the socket")
    connecting.add_argument("path", metavar="PATH", help="of the socket")
    adopting.add_argument("path", metavar="NUMBER", help="of the descriptor")
    for mode in [serving, connecting, adopting]:
        mode.add_argument("--time-limit", metavar="SECONDS", type=float, default=120, help="end by itself after so long (default: %(default)g)")
        mode.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()
    set_up_logging(options.log)
    begin = {"serve": serve, "connect": connect, "adopt": adopt}[options.mode]
    reactor.callWhenRunning(lambda: begin(options.path).addErrback(failed))
    return serve_until_killed(options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
