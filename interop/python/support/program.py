"""A program under test, with its standard input and output in our hands."""

import os
import shutil

from twisted.internet import reactor
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol

from .raw import Unexpected

# Seconds from the start of a server to its first line.
START_TIME_LIMIT = 60


class Program(ProcessProtocol):
    """Started at once; its standard error is ours."""

    def __init__(self, arguments):
        self.name = os.path.basename(arguments[0])
        self.exit_code = None
        self.ended = False
        self._output = b""
        self._output_closed = False
        self._waiting = []
        executable = shutil.which(arguments[0])
        if executable is None:
            raise Unexpected(f"there is no program {arguments[0]!r}")
        self._process = reactor.spawnProcess(
            self, executable, arguments, env=None, childFDs={0: "w", 1: "r", 2: 2}
        )
        reactor.addSystemEventTrigger("before", "shutdown", self.kill)

    async def line(self):
        """The next line of its standard output."""
        while b"\n" not in self._output:
            if self._output_closed:
                raise Unexpected(f"{self.name} ended its output with {self._output!r}")
            await self._progress_made()
        line, _, self._output = self._output.partition(b"\n")
        return line

    async def exited(self):
        """Waits for its end; the exit code, or minus the signal."""
        while not self.ended:
            await self._progress_made()
        return self.exit_code

    def write(self, data):
        self.transport.write(data)

    def end_input(self):
        self.transport.closeStdin()

    def kill(self):
        # It may have ended before its last output has been read, which is when we call it ended.
        try:
            self._process.signalProcess("KILL")
        except ProcessExitedAlready:
            pass

    def outReceived(self, data):
        self._output += data
        self._progress()

    def outConnectionLost(self):
        self._output_closed = True
        self._progress()

    def processEnded(self, reason):
        self.ended = True
        value = reason.value
        self.exit_code = value.exitCode if value.exitCode is not None else -(value.signal or 0)
        self._progress()

    def _progress_made(self):
        progress = Deferred()
        self._waiting.append(progress)
        return progress

    def _progress(self):
        waiting, self._waiting = self._waiting, []
        for progress in waiting:
            progress.callback(None)


async def start_server(arguments):
    """Starts an `interop_server` and reads the port it listens on."""
    program = Program(arguments)
    first = Deferred.fromCoroutine(program.line()).addTimeout(START_TIME_LIMIT, reactor)
    try:
        line = (await first).decode("utf-8", "replace")
    except TimeoutError:
        raise Unexpected(
            f"{program.name} printed no line within {START_TIME_LIMIT} seconds, expected `listening PORT`"
        ) from None
    word, _, port = line.partition(" ")
    if word != "listening" or not port.isdecimal():
        raise Unexpected(f"{program.name} printed {line!r}, expected `listening PORT`")
    return program, int(port)
