"""
A test during which its manager is interrupted, as by Ctrl-C.
"""

import os
import signal

from twisted.trial import unittest


class InterruptTests(unittest.TestCase):
    def test_interrupt(self):
        with open("pid", "w") as file:
            file.write(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGINT)
        signal.pause()
