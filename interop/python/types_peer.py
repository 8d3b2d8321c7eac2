#!/usr/bin/env python3
"""
A Twisted peer with a command for every argument type, every kind of error and both directions.

`serve` is a server for somebody else's client. `connect` is a client that runs its checks
against somebody else's server, which must serve the same commands (support/type_commands.py).
"""

import argparse
import sys

from twisted.internet.protocol import Factory

from support.checks import add_options, groups_left_out
from support.running import listen, run, serve_until_killed, set_up_logging
from support.types_service import TypesService
from types_checks import CHECKS
from types_checks.trial import Trial


def serve(options):
    set_up_logging(options.log)
    listen(Factory.forProtocol(TypesService), options.port)
    return serve_until_killed(options.time_limit)


def check(options, without):
    set_up_logging(options.log)

    def new_trial():
        return Trial(options.port, options.native, options.integer_bits, options.outstanding)

    checks = CHECKS.run(new_trial, without, options.only, options.check_time_limit)
    return run(checks, options.time_limit)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)

    serving = modes.add_parser("serve", help="listen, print `listening PORT`, and serve until killed")
    serving.add_argument("port", metavar="PORT", type=int, nargs="?", default=0, help="on 127.0.0.1 (default: any free one)")
    serving.add_argument("--time-limit", metavar="SECONDS", type=float, default=600, help="end by itself after so long (default: %(default)g)")
    serving.add_argument("--log", action="store_true", help="Twisted's log on standard error")

    connecting = modes.add_parser("connect", help="check the server on a port; exit code 0 when all is well")
    add_options(connecting, CHECKS, native_help="the server stays open after internal errors")
    # A peer may bound what one connection has under way; Twisted itself does not.
    connecting.add_argument("--outstanding", metavar="N", type=int, default=1900, help="how many calls to leave unanswered at the same time (default: %(default)d)")
    connecting.add_argument("port", metavar="PORT", type=int, help="the server's on 127.0.0.1")

    options = parser.parse_args()
    if options.mode == "serve":
        return serve(options)
    return check(options, groups_left_out(connecting, options, CHECKS))


if __name__ == "__main__":
    sys.exit(main())
