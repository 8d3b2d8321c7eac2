#!/usr/bin/env python3
"""
The guide's command_client: registers a user and prints the result.

Exit code 0: registered; 3: the name is taken; 1: anything else. The guide connects it to
basic_server, which knows no command; it needs registration_server or its like.
"""

import sys

from basic_client import connect, finish, port_argument
from registration import RegisterUser, UsernameUnavailable


def main():
    parser = port_argument(__doc__)
    parser.add_argument("--username", default="alice", help="default: %(default)s")
    parser.add_argument("--publickey", default="ssh-rsa AAAAB3NzaC1yc2 alice@actinium", help="default: %(default)s")
    options = parser.parse_args()
    d = connect(options.port)

    def connected(protocol):
        return protocol.callRemote(
            RegisterUser,
            username=options.username,
            publickey=options.publickey.encode("utf-8"),
        )

    def registered(result):
        print("Registration result:", result, flush=True)
        return 0

    def taken(failure):
        failure.trap(UsernameUnavailable)
        print("Username unavailable:", failure.getErrorMessage(), flush=True)
        return 3

    d.addCallback(connected)
    d.addCallbacks(registered, taken)
    return finish(d, options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
