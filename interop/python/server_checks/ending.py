"""How connections end."""

from support.checks import equal
from support.raw import encode, request

from .trial import CHECKS


@CHECKS.add("ending", "when the peer closes its sending side, the connection ends")
async def half_close(trial):
    peer = await trial.raw()
    await peer.usable()
    peer.half_close()
    await peer.closed()


@CHECKS.add("ending", "also in the middle of a box, and behind a request")
async def half_close_busy(trial):
    for data in [b"\0", request("Ping", {"n": "1"}, "p")[:-3], request("Ping", {"n": "1"}, "p"),
                 request("CallMe", {"times": "2"}, "c"), request("Delay", {"seconds": "0.1"}, "d")]:
        peer = await trial.raw()
        peer.write(data)
        peer.half_close()
        # Answers may still come.
        await peer.end()


@CHECKS.add("ending", "answers written before an error that closes still arrive")
async def answers_arrive(trial):
    pings = b"".join(request("Ping", {"n": str(n)}, str(n)) for n in range(50))
    for bad in [b"\0\0", b"\xff\xff", encode({"a": "1"})]:
        peer = await trial.raw()
        peer.write(pings)
        # Twisted drops what it has not yet handed to the system when an exception ends the
        # connection; the first answer shows that the answers of this read are beyond that.
        equal(await peer.answer("0"), {b"n": b"0"}, "answer")
        peer.write(bad)
        for n in range(1, 50):
            equal(await peer.answer(str(n)), {b"n": b"%d" % n}, "answer")
        await peer.closed()


@CHECKS.add("ending", "also when the error comes in the same read")
async def answers_of_the_same_read_arrive(trial):
    pings = b"".join(request("Ping", {"n": str(n)}, str(n)) for n in range(50))
    for bad, code in [(b"\xff\xff", None), (request("Fail", {"kind": "fatal"}, "f"), "FATAL"),
                      (request("Fail", {"kind": "undeclared"}, "f"), "UNKNOWN")]:
        peer = await trial.raw()
        peer.write(pings + bad)
        for n in range(50):
            equal(await peer.answer(str(n)), {b"n": b"%d" % n}, "answer")
        if code is not None:
            await peer.error("f", code)
        if code == "UNKNOWN":
            await trial.ends(peer)
        else:
            await peer.closed()


@CHECKS.add("ending", "even when they are large and the peer reads late")
async def large_answers_arrive(trial):
    peer, other = await trial.raw(), await trial.raw()
    peer.transport.pauseProducing()
    data = b"z" * 60000
    for n in range(60):
        peer.write(request("BigEcho", {"data": data}, str(n)))
    peer.write(request("Fail", {"kind": "fatal"}, "f"))
    for _ in range(5):
        await other.usable()
    peer.transport.resumeProducing()
    for n in range(60):
        equal(await peer.answer(str(n)), {b"data": data}, "answer")
    await peer.error("f", "FATAL")
    await peer.closed()


@CHECKS.add("ending", "a connection that is opened and closed at once")
async def open_and_close(trial):
    for _ in range(20):
        peer = await trial.raw()
        peer.close()
        await peer.closed()
