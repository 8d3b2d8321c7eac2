#!/usr/bin/env python3
"""
Twisted as a server that is killed and started again under a client that reconnects.

Listens on the given endpoint, prints `listening`, and then a line for each ask: the name of its
command and its number. Answers each, or with `--silent` none but `LogIn`. Goes on until killed.
"""

import argparse
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, Command, Integer

from support.running import run, set_up_logging


class LogIn(Command):
    arguments = [(b"number", Integer())]


class Once(Command):
    arguments = [(b"number", Integer())]
    response = [(b"number", Integer())]


class Again(Command):
    arguments = [(b"number", Integer())]
    response = [(b"number", Integer())]


class Server(AMP):
    silent = False

    @LogIn.responder
    def log_in(self, number):
        print(f"LogIn {number}", flush=True)
        return {}

    @Once.responder
    def once(self, number):
        return self.asked("Once", number)

    @Again.responder
    def again(self, number):
        return self.asked("Again", number)

    def asked(self, name, number):
        print(f"{name} {number}", flush=True)
        return Deferred() if self.silent else {"number": number}


async def serve(endpoint):
    await serverFromString(reactor, endpoint).listen(Factory.forProtocol(Server))
    print("listening", flush=True)
    await Deferred()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint", metavar="ENDPOINT")
    parser.add_argument("--silent", action="store_true", help="never answer Once and Again")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()
    set_up_logging(options.log)
    Server.silent = options.silent
    return run(serve(options.endpoint), 120)


if __name__ == "__main__":
    sys.exit(main())
