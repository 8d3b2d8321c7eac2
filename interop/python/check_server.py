#!/usr/bin/env python3
"""Checks an interop_server against every line of the contract (../COMMANDS.md)."""

import argparse
import sys
import tempfile

from server_checks import CHECKS
from server_checks.trial import Setting, Trial
from support.certificates import Authority
from support.checks import add_options, equal, groups_left_out
from support.program import start_server
from support.raw import RawPeer, Unexpected, connect
from support.running import run, set_up_logging


@CHECKS.add("start", "a port of one's choice is listened on")
async def chosen_port(trial):
    # The port of a server that is gone is free again, unless somebody was faster.
    for attempt in range(5):
        program, port = await start_server(trial.command + ["0"])
        program.kill()
        await program.exited()
        try:
            program, found = await start_server(trial.command + [str(port)])
        except Unexpected:
            continue
        equal(found, port, "port")
        peer = RawPeer()
        await connect(port, peer)
        await peer.usable()
        assert not program.ended, "the server ended by itself"
        program.kill()
        return
    raise AssertionError("no server could listen on a port that was free just before")


async def check(command, options, without, folder):
    native = ["--native"] if options.native else []
    plain = await start_server(command + native + ["0"])
    authority, secured = None, None
    if "tls" not in without:
        authority = Authority(folder, "interop checks")
        server = authority.server()
        files = ["--tls-cert", server.cert_file, "--tls-key", server.key_file]
        secured = await start_server(command + native + files + ["0"])
    setting = Setting(options.native, options.integer_bits, plain, secured, authority)

    def new_trial():
        trial = Trial(setting)
        trial.command = command + native
        return trial

    if options.integer_bits:
        print(f"left out: Integers beyond {options.integer_bits} bits", flush=True)
    code = await CHECKS.run(new_trial, without, options.only, options.check_time_limit)
    for program, _ in filter(None, [plain, secured]):
        program.kill()
        await program.exited()
    return code


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="exit code: 0 when every check passed. Example: check_server.py -- target/debug/interop_server",
    )
    add_options(parser, CHECKS)
    parser.add_argument("command", metavar="SERVER_COMMAND", nargs="+", help="the program and its first arguments; options and port are added")
    options = parser.parse_args()
    without = groups_left_out(parser, options, CHECKS)
    set_up_logging(options.log)
    with tempfile.TemporaryDirectory() as folder:
        return run(check(options.command, options, without, folder), options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
