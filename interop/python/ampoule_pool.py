#!/usr/bin/env python3
"""
A process pool of ampoule whose children are a program given on the command line: one that serves
ampoule's own commands and `CountPrimes`, such as the example `ampoule_child`.

Prints a line for each thing that the pool has done, and exits with 0 when all was as it should be.
"""

import argparse
import sys

from ampoule.commands import Echo, Ping, Shutdown
from ampoule.iampoule import IStarter
from ampoule.main import AMPConnector
from ampoule.pool import ProcessPool
from support.running import run, set_up_logging
from twisted.internet import reactor
from twisted.internet.defer import DeferredQueue, gatherResults
from twisted.internet.error import ProcessTerminated
from twisted.protocols.amp import AMP, Command, Integer
from twisted.python.failure import Failure
from zope.interface import implementer

CHILDREN = 3


class CountPrimes(Command):
    arguments = [(b"below", Integer())]
    response = [(b"count", Integer())]


@implementer(IStarter)
class ProgramStarter:
    """Starts a program where ampoule's own starter starts Python."""

    def __init__(self, program):
        self.program = program
        self.exit_codes = DeferredQueue()

    def startAMPProcess(self, ampChild, ampParent=None, ampChildArgs=()):
        return self.startPythonProcess(AMPConnector((ampParent or AMP)()), *ampChildArgs)

    def startPythonProcess(self, connector, *arguments):
        descriptors = {0: "w", 1: "r", 2: "r", 3: "w", 4: "r"}
        reactor.spawnProcess(
            connector, self.program, [self.program, *arguments], env=None, childFDs=descriptors
        )
        connector.finished.addBoth(self._ended)
        return connector.amp, connector.finished

    def _ended(self, result):
        """Notes the exit code, or minus the signal. A child that ends well has no Failure."""
        ended = result.value if isinstance(result, Failure) else None
        code = 0 if ended is None else ended.exitCode or -ended.signal
        # Once the pool has seen it too.
        reactor.callLater(0, self.exit_codes.put, code)
        return result

    async def ends(self, number):
        """The exit codes of the next children that end."""
        return [await self.exit_codes.get() for _ in range(number)]


def expect(name, found, expected):
    if found != expected:
        raise AssertionError(f"{name}: expected {expected!r}, found {found!r}")
    print(f"{name}: {found!r}", flush=True)


async def use_pool(program):
    starter = ProgramStarter(program)
    pool = ProcessPool(min=CHILDREN, max=CHILDREN, starter=starter)
    try:
        await pool.start()
        expect("children", len(pool.processes), CHILDREN)
        await work(pool)
        await crash(pool, starter)
        await recycle(pool, starter)
        expect("children", len(pool.processes), CHILDREN)
    finally:
        await pool.stop()
    expect("exit codes at the end", await starter.ends(CHILDREN), [0] * CHILDREN)
    await end_busy(starter)
    await vanish(starter)


async def work(pool):
    """More calls at once than there are children."""
    answers = await gatherResults([pool.doWork(Ping) for _ in range(CHILDREN)])
    expect("pings", answers, [{"response": b"pong"}] * CHILDREN)
    data = bytes(range(256)) * 255
    expect("echo", (await pool.doWork(Echo, data=data))["response"] == data, True)
    limits = [0, 2, 3, 100, 1000, 100_000, 10, 10_000]
    answers = await gatherResults([pool.doWork(CountPrimes, below=limit) for limit in limits])
    counts = [answer["count"] for answer in answers]
    expect("primes", counts, [0, 0, 1, 25, 168, 9592, 4, 1229])


async def crash(pool, starter):
    """A child that is killed while it works fails its call, and another one takes its place."""
    call = pool.doWork(CountPrimes, below=2**63)
    (child,) = pool.busy
    # It has the call: it answers one behind it, although it is counting.
    expect("ping of a busy child", await child.callRemote(Ping), {"response": b"pong"})
    child.transport.signalProcess("KILL")
    try:
        await call
    except ProcessTerminated as error:
        expect("the call of a killed child ends with signal", error.signal, 9)
    else:
        raise AssertionError("the call of a killed child has an answer")
    expect("exit code of the killed child", await starter.ends(1), [-9])
    expect("the killed child is in the pool", child in pool.processes, False)
    answers = await gatherResults([pool.doWork(Ping) for _ in range(CHILDREN)])
    expect("pings", answers, [{"response": b"pong"}] * CHILDREN)


async def recycle(pool, starter):
    """A child that has served its number of calls is shut down, and another one takes its place."""
    before = set(pool.processes)
    pool.recycleAfter = 1
    calls = 2 * CHILDREN
    await gatherResults([pool.doWork(Ping) for _ in range(calls)])
    pool.recycleAfter = 0
    expect("exit codes of those that have served", await starter.ends(calls), [0] * calls)
    # Calls wait until there are children again.
    answers = await gatherResults([pool.doWork(Ping) for _ in range(CHILDREN)])
    expect("pings", answers, [{"response": b"pong"}] * CHILDREN)
    expect("children that were there before", len(before & pool.processes), 0)


async def end_busy(starter):
    """A child that is told to end has answered all that it was asked before, however long it takes."""
    child, finished = starter.startAMPProcess(None)
    data = b"x" * 60_000
    calls = [child.callRemote(Echo, data=data) for _ in range(200)]
    shut_down = child.callRemote(Shutdown)
    answers = await gatherResults(calls)
    expect("echoes", all(answer["response"] == data for answer in answers), True)
    expect("answer to the shutdown", await shut_down, {})
    expect("the child ends well", await finished, "")


async def vanish(starter):
    """
    A child whose parent is gone without a `Shutdown` ends too, with the exit code of ampoule's own,
    even while it works.
    """
    child, finished = starter.startAMPProcess(None)
    call = child.callRemote(CountPrimes, below=2**63)
    expect("ping of a busy child", await child.callRemote(Ping), {"response": b"pong"})
    child.transport.loseConnection()
    for ended in (call, finished):
        try:
            await ended
        except ProcessTerminated as error:
            expect("exit code without a parent", error.exitCode, 255)
        else:
            raise AssertionError("a child without a parent ends as if it had been told to")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the program that the children are")
    parser.add_argument("--time-limit", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--log", action="store_true", help="show Twisted's log")
    options = parser.parse_args()
    set_up_logging(options.log)
    return run(use_pool(options.program), options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
