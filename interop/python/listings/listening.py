"""What the listings that serve have in common: their argument, and the line with the port."""

import argparse

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint


def port_argument(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("port", metavar="PORT", type=int, nargs="?", default=0, help="where to listen on 127.0.0.1 (default: any free one)")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, default=600, help="end by itself after so long (default: %(default)g)")
    return parser


def serve(description, factory):
    listen(port_argument(description).parse_args(), factory)


def listen(options, factory):
    """Serves until it is killed, or until the time limit."""
    endpoint = TCP4ServerEndpoint(reactor, options.port, interface="127.0.0.1")

    def listening(port):
        print(f"listening {port.getHost().port}", flush=True)

    def failed(failure):
        print(f"cannot listen: {failure.getErrorMessage()}", flush=True)
        reactor.stop()

    endpoint.listen(factory).addCallbacks(listening, failed)
    reactor.callLater(options.time_limit, reactor.stop)
    reactor.run()
