"""Each plain command does what the table says."""

import math
from time import monotonic

from support import contract
from support.checks import equal
from support.raw import answer, error, request

from .trial import CHECKS


@CHECKS.add("commands", "Sum adds, whatever the signs")
async def sum_adds(trial):
    peer = await trial.amp()
    for a, b in [(1, 2), (-5, 3), (0, 0), (2**31, 2**31), (-(2**62), -5)]:
        equal(await peer.callRemote(contract.Sum, a=a, b=b), {"total": a + b}, f"{a} + {b}")


@CHECKS.add("commands", "Sum adds numbers far beyond 128 bits")
async def sum_adds_huge(trial):
    peer = await trial.amp()
    for a, b in [(2**127, 2**127), (2**200, -1), (10**1000, 10**1000), (-(7**1500), 3)]:
        if all(trial.fits(number) for number in (a, b, a + b)):
            equal(await peer.callRemote(contract.Sum, a=a, b=b), {"total": a + b}, "sum")


@CHECKS.add("commands", "Divide gives the binary64 quotient")
async def divide_divides(trial):
    peer = await trial.amp()
    top = 2**53 - 1
    for a, b in [(1, 2), (1, 3), (-7, 2), (0, 5), (0, -5), (top, 1), (1, top), (top, -3), (-1, -3)]:
        found = (await peer.callRemote(contract.Divide, numerator=a, denominator=b))["result"]
        expected = float(a) / float(b)
        equal(found, expected, f"{a} / {b}")
        equal(math.copysign(1, found), math.copysign(1, expected), f"sign of {a} / {b}")


@CHECKS.add("commands", "Divide by zero is ZERO_DIVISION and the connection goes on")
async def divide_by_zero(trial):
    peer = await trial.raw()
    peer.write(request("Divide", {"numerator": "1", "denominator": "0"}, "d"))
    await peer.error("d", "ZERO_DIVISION")
    await peer.usable()


@CHECKS.add("commands", "Delay answers at once for zero and negative seconds")
async def delay_at_once(trial):
    peer = await trial.raw()
    for tag, seconds in [("a", "0.0"), ("b", "-1.5"), ("c", "-0.0")]:
        peer.write(request("Delay", {"seconds": seconds}, tag))
        equal(await peer.answer(tag), {}, "fields")


@CHECKS.add("commands", "Delay answers no earlier than asked")
async def delay_takes_time(trial):
    peer = await trial.raw()
    begun = monotonic()
    peer.write(request("Delay", {"seconds": "0.25"}, "d"))
    equal(await peer.answer("d"), {}, "fields")
    assert monotonic() - begun >= 0.245, f"answered after {monotonic() - begun} seconds"


@CHECKS.add("commands", "Notify is remembered in order and not answered")
async def notify_remembers(trial):
    peer = await trial.raw()
    texts = ["first", "", "zwölf", "\u2603 \U0001f600", "first"]
    for text in texts:
        peer.write(request("Notify", {"text": text}))
    peer.write(request("Notified", tag="n"))
    listed = b"".join(len(text.encode()).to_bytes(2, "big") + text.encode() for text in texts)
    equal(await peer.answer("n"), {b"texts": listed}, "texts")


@CHECKS.add("commands", "Notify with _ask is answered without fields")
async def notify_asked(trial):
    peer = await trial.raw()
    peer.write(request("Notify", {"text": "asked"}, "n"))
    equal(await peer.answer("n"), {}, "fields")
    peer.write(request("Notified", tag="m"))
    equal(await peer.answer("m"), {b"texts": b"\0\x05asked"}, "texts")


@CHECKS.add("commands", "Notified is about its own connection")
async def notified_per_connection(trial):
    one, other = await trial.amp(), await trial.amp()
    one.callRemote(contract.Notify, text="mine")
    equal(await one.callRemote(contract.Notified), {"texts": ["mine"]}, "own texts")
    equal(await other.callRemote(contract.Notified), {"texts": []}, "the other's texts")


@CHECKS.add("commands", "Ping gives n back")
async def ping_returns(trial):
    peer = await trial.amp()
    for n in [0, 1, -1, 2**63, 10**300]:
        if trial.fits(n):
            equal(await peer.callRemote(contract.Ping, n=n), {"n": n}, "n")


@CHECKS.add("commands", "BigEcho gives every byte back, up to 65535")
async def big_echo_returns(trial):
    peer = await trial.amp()
    for data in [b"", b"\0", bytes(range(256)), b"\xff" * 65535, bytes(range(255)) * 257]:
        equal(await peer.callRemote(contract.BigEcho, data=data), {"data": data}, "data")


@CHECKS.add("commands", "CallMe with Twisted on the other side")
async def call_me_twisted(trial):
    peer = await trial.amp()
    for times, total in [(0, 0), (-3, 0), (1, 1), (4, 10), (300, 45150)]:
        equal(await peer.callRemote(contract.CallMe, times=times), {"total": total}, f"{times} times")


@CHECKS.add("commands", "CallMe sends the next Ping after the last answer, and adds what was answered")
async def call_me_in_turn(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "3"}, "c"))
    for n, given in [(b"1", b"100"), (b"2", b"-20"), (b"3", b"3")]:
        ping = await peer.box()
        equal((ping.get(b"_command"), ping.get(b"n")), (b"Ping", n), "the request")
        # Were the next Ping sent too early, it would come before this answer.
        await peer.usable()
        peer.write(answer(ping[b"_ask"], {"n": given}))
    equal(await peer.answer("c"), {b"total": b"83"}, "answer")


@CHECKS.add("commands", "CallMe twice at the same time")
async def call_me_twice(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "1"}, "x") + request("CallMe", {"times": "1"}, "y"))
    first, second = await peer.boxes(2)
    assert first[b"_ask"] != second[b"_ask"], f"one tag for two calls: {first[b'_ask']!r}"
    peer.write(answer(second[b"_ask"], {"n": "5"}))
    equal(await peer.box(), {b"_answer": b"y", b"total": b"5"}, "the second one's answer")
    peer.write(answer(first[b"_ask"], {"n": "6"}))
    equal(await peer.box(), {b"_answer": b"x", b"total": b"6"}, "the first one's answer")


@CHECKS.add("commands", "CallMe is PING_FAILED when a Ping fails, whatever the reason")
async def call_me_fails(trial):
    peer = await trial.raw()
    replies = [
        lambda tag: error(tag, "UNHANDLED"),
        lambda tag: error(tag, "UNKNOWN"),
        lambda tag: error(tag, b"\xff own code"),
        lambda tag: answer(tag),
        lambda tag: answer(tag, {"n": "many"}),
    ]
    for number, reply in enumerate(replies):
        peer.write(request("CallMe", {"times": "3"}, f"c{number}"))
        ping = await peer.box()
        peer.write(reply(ping[b"_ask"]))
        await peer.error(f"c{number}", "PING_FAILED")
        await peer.usable()


@CHECKS.add("commands", "CallMe when the caller goes away disturbs nobody")
async def call_me_and_leave(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "3"}, "c"))
    await peer.box()
    peer.reset()
