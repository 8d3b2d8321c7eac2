"""Nothing waits for anything else on a connection."""

from time import monotonic

from twisted.internet.defer import DeferredList

from support import contract
from support.checks import equal
from support.raw import request

from .trial import CHECKS


@CHECKS.add("concurrency", "a Delay under way holds up nothing")
async def delay_holds_nothing(trial):
    peer = await trial.raw()
    peer.write(request("Delay", {"seconds": "3600.0"}, "long") + request("Delay", {"seconds": "0.0"}, "short"))
    equal(await peer.answer("short"), {}, "fields")
    await peer.usable()


@CHECKS.add("concurrency", "the shorter of two Delays is answered first")
async def shorter_first(trial):
    peer = await trial.raw()
    peer.write(request("Delay", {"seconds": "0.5"}, "long") + request("Delay", {"seconds": "0.05"}, "short"))
    equal([box[b"_answer"] for box in await peer.boxes(2)], [b"short", b"long"], "order")


@CHECKS.add("concurrency", "two hundred Delays run at the same time")
async def delays_together(trial):
    peer = await trial.amp()
    begun = monotonic()
    results = await DeferredList([peer.callRemote(contract.Delay, seconds=0.5) for _ in range(200)])
    taken = monotonic() - begun
    assert all(success for success, _ in results), "a Delay failed"
    # One after the other they would take 100 seconds.
    assert taken < 20, f"took {taken:.1f} seconds"


@CHECKS.add("concurrency", "a thousand outstanding calls, each with its own answer")
async def thousand_outstanding(trial):
    peer = await trial.amp()
    waiting = [peer.callRemote(contract.Delay, seconds=3600.0) for _ in range(1000)]
    sums = [peer.callRemote(contract.Sum, a=n, b=n) for n in range(1000)]
    for n, call in enumerate(sums):
        equal(await call, {"total": 2 * n}, "sum")
    assert not any(call.called for call in waiting), "a Delay of an hour was answered"
    for call in waiting:
        call.addErrback(lambda _failure: None)


@CHECKS.add("concurrency", "two thousand calls in one write")
async def two_thousand_at_once(trial):
    peer = await trial.raw()
    peer.write(b"".join(request("Sum", {"a": str(n), "b": "1"}, f"{n:x}") for n in range(2000)))
    totals = {}
    for box in await peer.boxes(2000):
        totals[box[b"_answer"]] = box.get(b"total")
    equal(totals, {b"%x" % n: b"%d" % (n + 1) for n in range(2000)}, "totals")


@CHECKS.add("concurrency", "CallMe waits for its Ping while other calls are answered")
async def call_me_meanwhile(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "1"}, "c"))
    ping = await peer.box()
    equal(ping.get(b"_command"), b"Ping", "command")
    for _ in range(3):
        await peer.usable()
    peer.write(request("Divide", {"numerator": "1", "denominator": "0"}, "d"))
    await peer.error("d", "ZERO_DIVISION")


@CHECKS.add("concurrency", "five hundred CallMe at the same time, with Twisted answering")
async def call_me_crowd(trial):
    peer = await trial.amp()
    calls = [peer.callRemote(contract.CallMe, times=3) for _ in range(500)]
    for call in calls:
        equal(await call, {"total": 6}, "total")


@CHECKS.add("concurrency", "a peer that reads late gets everything")
async def late_reader(trial):
    peer, other = await trial.raw(), await trial.raw()
    data = b"d" * 60000
    peer.transport.pauseProducing()
    for n in range(200):
        peer.write(request("BigEcho", {"data": data}, str(n)))
    # Meanwhile the others are served.
    for _ in range(5):
        await other.usable()
    peer.transport.resumeProducing()
    found = {box[b"_answer"]: box[b"data"] == data for box in await peer.boxes(200)}
    equal(found, {b"%d" % n: True for n in range(200)}, "echoes")
