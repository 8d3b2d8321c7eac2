"""
Finds tests as trial does, for the manager at the other end of the descriptors 3 and 4.
"""

import os
import sys

from twisted.internet.protocol import FileWrapper
from twisted.protocols.amp import AMP, Command, Integer, ListOf, Unicode
from twisted.python.modules import theSystemPath
from twisted.trial._asyncrunner import _iterateTests
from twisted.trial.runner import TestLoader


class FindTests(Command):
    arguments = [(b"names", ListOf(Unicode()))]
    response = [(b"count", Integer()), (b"path", Unicode()), (b"worker", Unicode())]


class FoundTest(Command):
    arguments = [(b"name", Unicode())]
    requiresAnswer = False


class Finder(AMP):
    @FindTests.responder
    def find(self, names):
        suite = TestLoader().loadByNames(names, recurse=True)
        for test in _iterateTests(suite):
            self.callRemote(FoundTest, name=test.id())
        worker = theSystemPath["twisted.trial._dist.workertrial"].filePath.path
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        return {"count": suite.countTestCases(), "path": path, "worker": worker}


finder = Finder()
with os.fdopen(3, "rb", buffering=0) as reading, os.fdopen(4, "wb") as writing:
    finder.makeConnection(FileWrapper(writing))
    while received := reading.read(65536):
        finder.dataReceived(received)
        writing.flush()
