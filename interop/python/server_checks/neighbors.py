"""Connections do not disturb each other."""

import random

from support import contract
from support.checks import equal
from support.raw import request

from .trial import CHECKS


@CHECKS.add("neighbors", "fifty connections at the same time")
async def fifty(trial):
    peers = [await trial.amp() for _ in range(50)]
    for number, peer in enumerate(peers):
        peer.callRemote(contract.Notify, text=f"from {number}")
    calls = [peer.callRemote(contract.Notified) for peer in peers]
    for number, call in enumerate(calls):
        equal(await call, {"texts": [f"from {number}"]}, "texts")


@CHECKS.add("neighbors", "what one does leaves the others alone")
async def misbehavior(trial):
    good = await trial.raw()
    good.write(request("Notify", {"text": "kept"}) + request("CallMe", {"times": "1"}, "c"))
    await good.box()
    for bad in [b"\0\0", b"\xff\xff", request("Fail", {"kind": "fatal"}, "f"),
                request("Fail", {"kind": "undeclared"}, "f"), request("Sum", {}, "s"), b"\0\x01"]:
        peer = await trial.raw()
        peer.write(bad)
        await good.usable()
        peer.reset()
    good.write(request("Notified", tag="n"))
    equal(await good.answer("n"), {b"texts": b"\0\x04kept"}, "texts")


@CHECKS.add("neighbors", "connections that are reset in the middle of everything")
async def resets(trial):
    good = await trial.raw()
    for data in [b"", b"\0", request("Delay", {"seconds": "0.05"}, "d"), request("BigEcho", {"data": "x" * 65535}, "b") * 20,
                 request("CallMe", {"times": "5"}, "c"), request("Ping", {"n": "1"}, "p")[:-1]]:
        for _ in range(5):
            peer = await trial.raw()
            peer.write(data)
            await good.usable()
            peer.reset()
    await good.usable()


@CHECKS.add("neighbors", "random bytes on many connections")
async def noise(trial):
    good = await trial.raw()
    dice = random.Random(20)
    for _ in range(50):
        peer = await trial.raw()
        noise = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 300)))
        # Half of them begin like a box, so that the noise gets past the first length.
        peer.write(noise if dice.random() < 0.5 else request("Sum", {"a": noise[:99]}, "t")[:-2] + noise)
        await good.usable()
        peer.reset()
    await good.usable()
