"""
Each outcome that trial knows, several times, but for the one in `test_unexpected.py`.

Every test here that fails is meant to.
"""

import unittest as pyunit

from twisted.internet import defer, reactor
from twisted.python import log
from twisted.trial import unittest


def dig(depth):
    """
    Fail far away from the test.
    """
    if depth == 0:
        raise RuntimeError("the ground\nis hard")
    dig(depth - 1)


class SynchronousTests(unittest.SynchronousTestCase):
    def test_passes(self):
        self.assertEqual(13 + 81, 94)

    def test_fails(self):
        self.assertEqual(1 + 1, 3)

    def test_failsByHand(self):
        self.fail("by hand: b\xf6ses Ende")

    def test_raises(self):
        raise ValueError("no such value")

    def test_raisesFarAway(self):
        dig(40)

    def test_failsAtLength(self):
        self.assertEqual("x" * 70_000, "y")

    def test_skipped(self):
        raise unittest.SkipTest("nothing to test here")

    def test_skippedToo(self):
        pass

    test_skippedToo.skip = "it's \"not\" ready"

    def test_todo(self):
        self.fail("not yet")

    test_todo.todo = "it's to be done\n"

    def test_logsAnError(self):
        log.err(KeyError("logged"))

    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 3)

    def test_subtestThatFails(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 1)


class AsynchronousTests(unittest.TestCase):
    def test_passes(self):
        return defer.succeed(None)

    def test_fails(self):
        self.assertTrue(False)

    def test_failsLater(self):
        done = defer.Deferred()
        reactor.callLater(0, done.callback, 1)
        return done.addCallback(self.assertEqual, 2)

    async def test_raisesLater(self):
        done = defer.Deferred()
        reactor.callLater(0, done.callback, None)
        await done
        raise LookupError("later")

    def test_leavesTheReactorUnclean(self):
        reactor.callLater(1000, print)


class BrokenSetUpTests(unittest.TestCase):
    def setUp(self):
        raise OSError("no set up")

    def test_neverRuns(self):
        pass


class BrokenTearDownTests(unittest.TestCase):
    def tearDown(self):
        raise OSError("no tear down")

    def test_failsAndThenErrs(self):
        self.fail("once")


class PyUnitTests(pyunit.TestCase):
    def test_passes(self):
        self.assertIn("a", "Twisted and")

    def test_fails(self):
        self.assertIn("z", "Twisted")

    def test_raises(self):
        {}["key"]

    @pyunit.skip("of the standard library")
    def test_skipped(self):
        pass
