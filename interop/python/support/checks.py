"""A list of checks, and how they are run and reported."""

import sys
import traceback

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred


class Check:
    def __init__(self, group, title, function):
        self.group = group
        self.title = title
        self.function = function


class Checks:
    """Collects coroutine functions of one argument, the trial that a check works in."""

    def __init__(self):
        self.all = []

    def add(self, group, title):
        def note(function):
            self.all.append(Check(group, title, function))
            return function

        return note

    def groups(self):
        return list(dict.fromkeys(check.group for check in self.all))

    async def run(self, new_trial, without=(), only=None, time_limit=30.0):
        """Runs one after the other; the exit code. `new_trial` makes what each works in."""
        passed, failed = 0, []
        for group in self.groups():
            if group in without:
                count = sum(check.group == group for check in self.all)
                print(f"left out by --without: {group} ({count} checks)", flush=True)
        for check in self.all:
            if check.group in without or (only and only not in f"{check.group}: {check.title}"):
                continue
            name = f"{check.group}: {check.title}"
            why = await _outcome(check, new_trial(), time_limit)
            if why is None:
                passed += 1
                print(f"ok      {name}", flush=True)
            else:
                failed.append(name)
                print(f"FAILED  {name}\n        {why}", flush=True)
        if failed:
            print("failed:", *failed, sep="\n  ")
        print(f"{passed} passed, {len(failed)} failed", flush=True)
        if not passed and not failed:
            print("no check was chosen", file=sys.stderr)
            return 1
        return 1 if failed else 0


async def _outcome(check, trial, time_limit):
    """None when the check passed, otherwise why not."""
    work = Deferred.fromCoroutine(_whole(check, trial))
    late = reactor.callLater(time_limit, work.cancel)
    try:
        await work
        return None
    except CancelledError:
        return f"not finished within {time_limit:g} seconds"
    except AssertionError as error:
        return str(error) or _where(error)
    except Exception as error:
        return f"{type(error).__name__}: {error} ({_where(error)})"
    finally:
        if late.active():
            late.cancel()
        trial.clean_up()


async def _whole(check, trial):
    await check.function(trial)
    await trial.still_healthy()


def _where(error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}: {last.line}"


def equal(found, expected, what="value"):
    if found != expected:
        raise AssertionError(f"{what}: expected {_short(expected)}, found {_short(found)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"


def add_options(parser, checks, native_help="passed on to the program; checks what the contract says for it"):
    """The options that all checkers have."""
    parser.add_argument("--native", action="store_true", help=native_help)
    parser.add_argument("--without", metavar="GROUPS", default="", help=f"leave groups out, separated by commas: {', '.join(checks.groups())}")
    parser.add_argument("--only", metavar="TEXT", help="only checks whose line contains this text")
    parser.add_argument("--integer-bits", metavar="N", type=int, default=0, help="the program's largest Integer, when it has a limit")
    parser.add_argument("--check-time-limit", metavar="SECONDS", type=float, default=30, help="for one check (default: %(default)g)")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, default=600, help="for all (default: %(default)g)")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")


def groups_left_out(parser, options, checks):
    without = [group for group in options.without.split(",") if group]
    for group in without:
        if group not in checks.groups():
            parser.error(f"--without {group}: there is no such group")
    return without
