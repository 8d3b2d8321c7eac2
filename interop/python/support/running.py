"""Starting and ending a program: the reactor, time limits, quiet logs."""

import faulthandler
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure


def set_up_logging(verbose):
    """Twisted's log goes to standard error when asked for, and nowhere otherwise."""
    observers = [textFileLogObserver(sys.stderr)] if verbose else []
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)


def run(coroutine, time_limit):
    """
    Runs a coroutine in the reactor; its result is the exit code. Past the time limit, and after
    an exception, a message is printed and the code is 1.
    """
    code = [1]
    # For a reactor that does not come back: the interpreter itself ends the process.
    faulthandler.dump_traceback_later(time_limit + 30, exit=True)

    def finished(result):
        if isinstance(result, Failure) and result.check(AssertionError):
            print(result.getErrorMessage(), file=sys.stderr, flush=True)
        elif isinstance(result, Failure):
            result.printTraceback(sys.stderr)
        else:
            code[0] = result or 0
        reactor.stop()

    def too_late():
        print(f"gave up: not finished within {time_limit:g} seconds", file=sys.stderr, flush=True)
        reactor.stop()

    def start():
        Deferred.fromCoroutine(coroutine).addBoth(finished)

    reactor.callWhenRunning(start)
    reactor.callLater(time_limit, too_late)
    reactor.run()
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.flush()
    return code[0]


def serve_until_killed(time_limit):
    """Runs the reactor for a server, which ends by itself only past the time limit, if any."""
    code = [0]

    def too_late():
        print(f"ended: {time_limit:g} seconds are over", file=sys.stderr, flush=True)
        code[0] = 1
        reactor.stop()

    if time_limit:
        reactor.callLater(time_limit, too_late)
    reactor.run()
    return code[0]


def listen(factory, port):
    """Listens on 127.0.0.1 and says so, as the contract wants it."""
    listening = reactor.listenTCP(port, factory, interface="127.0.0.1", backlog=512)
    print(f"listening {listening.getHost().port}", flush=True)
    return listening
