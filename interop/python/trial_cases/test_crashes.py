"""
Tests that their process does not survive, and plain `unittest` classes that trial's workers are not
made for. Between them are tests that pass.
"""

import os
import signal
import subprocess
import sys
import unittest as pyunit

from twisted.trial import unittest


class CrashTests(unittest.TestCase):
    def setUp(self):
        print("process", os.getpid(), flush=True)

    def test_a_passes(self):
        pass

    def test_b_exits(self):
        os._exit(3)

    def test_c_exitsWithoutError(self):
        os._exit(0)

    def test_d_isKilled(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def test_e_leavesAProcessBehind(self):
        # It holds all that its parent had open, until the manager has closed the connection.
        subprocess.Popen([sys.executable, "-c", "import os; os.read(3, 1)"], pass_fds=[3, 4])
        os._exit(5)

    def test_f_passes(self):
        pass


class PyUnitTests(pyunit.TestCase):
    @pyunit.expectedFailure
    def test_g_expectedFailure(self):
        self.fail("as expected")

    def test_h_subtestThatFails(self):
        with self.subTest():
            self.fail("lost")

    def test_i_passes(self):
        pass
