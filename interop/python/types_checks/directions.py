"""Both directions on one connection, and very many calls at the same time."""

from support import type_commands as commands
from support.checks import equal

from .trial import CHECKS


@CHECKS.add("directions", "calls without an answer are carried out in order")
async def told(trial):
    peer = await trial.peer()
    texts = [f"text {n}" for n in range(200)]
    for text in texts:
        equal(peer.callRemote(commands.Tell, text=text), None, "result of a call without an answer")
    equal(await peer.callRemote(commands.Told), {"texts": texts}, "texts")


@CHECKS.add("directions", "very many calls under way, released newest first")
async def held(trial):
    peer = await trial.peer()
    count = trial.outstanding
    calls = [peer.callRemote(commands.Hold, number=n) for n in range(count)]
    equal(await peer.callRemote(commands.Release), {"count": count}, "released")
    for n, call in enumerate(calls):
        equal(await call, {"number": n}, "number")


@CHECKS.add("directions", "ten thousand calls without waiting")
async def many(trial):
    peer = await trial.peer()
    calls = [peer.callRemote(commands.Double, number=n) for n in range(10000)]
    for n, call in enumerate(calls):
        equal(await call, {"number": 2 * n}, f"Double of {n}")


@CHECKS.add("directions", "the server calls its caller two thousand times at once")
async def called_back(trial):
    peer = await trial.peer()
    for count in [0, 1, 2000]:
        equal(await peer.callRemote(commands.DoubleAll, count=count), {"total": count * (count + 1)}, "total")


@CHECKS.add("directions", "calls within calls, a hundred deep, from many at once")
async def bounced(trial):
    peer = await trial.peer()
    for left in [0, 1, 2, 100]:
        equal(await peer.callRemote(commands.Bounce, left=left), {"depth": left}, "depth")
    calls = [peer.callRemote(commands.Bounce, left=n % 10) for n in range(300)]
    for n, call in enumerate(calls):
        equal(await call, {"depth": n % 10}, "depth")


@CHECKS.add("directions", "the server sees the errors of its caller")
async def errors_of_the_caller(trial):
    peer = await trial.peer()
    equal(await peer.callRemote(commands.AskFor, text=""), {"outcome": "found"}, "outcome")
    equal(await peer.callRemote(commands.AskFor, text="no ü"), {"outcome": "NOT_THERE no ü"}, "outcome")


@CHECKS.add("directions", "many connections at once")
async def connections(trial):
    peers = [await trial.peer() for _ in range(100)]
    calls = [(peer.callRemote(commands.Hold, number=n), peer.callRemote(commands.DoubleAll, count=n))
             for n, peer in enumerate(peers)]
    for n, (_, doubled) in enumerate(calls):
        equal(await doubled, {"total": n * (n + 1)}, "total")
    for n, peer in enumerate(peers):
        equal(await peer.callRemote(commands.Release), {"count": 1}, "released")
        equal(await calls[n][0], {"number": n}, "number")
