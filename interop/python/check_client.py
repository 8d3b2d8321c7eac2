#!/usr/bin/env python3
"""Checks an interop_client against every line of the contract (../COMMANDS.md)."""

import argparse
import os
import sys
import tempfile

from client_checks import CHECKS
from client_checks.trial import Trial
from support.certificates import Authority
from support.checks import add_options, groups_left_out
from support.running import run, set_up_logging


async def check(options, without, folder):
    authority, other = None, None
    if "tls" not in without:
        authority = Authority(os.path.join(folder, "trusted"), "interop checks")
        other = Authority(os.path.join(folder, "other"), "somebody else")

    def new_trial():
        trial = Trial(options.command, options.native, options.integer_bits, authority)
        trial.other_authority = other
        return trial

    if options.integer_bits:
        print(f"left out: Integers beyond {options.integer_bits} bits", flush=True)
    return await CHECKS.run(new_trial, without, options.only, options.check_time_limit)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="exit code: 0 when every check passed. Example: check_client.py -- target/debug/interop_client",
    )
    add_options(parser, CHECKS)
    parser.add_argument("command", metavar="CLIENT_COMMAND", nargs="+", help="the program and its first arguments; options, host and port are added")
    options = parser.parse_args()
    without = groups_left_out(parser, options, CHECKS)
    set_up_logging(options.log)
    with tempfile.TemporaryDirectory() as folder:
        return run(check(options, without, folder), options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
