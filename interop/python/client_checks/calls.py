"""The commands of the table, called on the contract's server on Twisted."""

import json
from time import monotonic

from support.checks import equal

from .trial import CHECKS, outcome


@CHECKS.add("calls", "Sum, also far beyond 128 bits")
async def sums(trial):
    client = trial.reference()
    for a, b in [(1, 2), (-5, 3), (2**63, 1), (2**200, -1), (10**1000, 1)]:
        if trial.fits(a) and trial.fits(a + b):
            await client.succeeds(client.call("Sum", a=str(a), b=str(b)), {"total": str(a + b)})


@CHECKS.add("calls", "Divide and its declared error")
async def divides(trial):
    client = trial.reference()
    for a, b in [(1, 2), (1, 3), (2**53 - 1, -7), (0, -5)]:
        result = await client.result(client.call("Divide", numerator=str(a), denominator=str(b)))
        equal(repr(float(result["result"])), repr(float(a) / float(b)), f"{a} / {b}")
    await client.fails_with(client.call("Divide", numerator="1", denominator="0"),
                            "declared", "ZERO_DIVISION", "division by zero")


@CHECKS.add("calls", "Delay, and nothing waits for it")
async def delays(trial):
    client = trial.reference()
    begun = monotonic()
    long = client.call("Delay", seconds="0.4")
    short = client.call("Delay", seconds="0.0")
    last = client.call("Ping", n="1")
    equal((await client.next_result())["id"], short, "the first result's id")
    await client.succeeds(last, {"n": "1"})
    await client.succeeds(long, {})
    assert monotonic() - begun >= 0.395, "the Delay was too short"


@CHECKS.add("calls", "Fail and its kinds of errors")
async def fails(trial):
    client = trial.reference()
    await client.fails_with(client.call("Fail", kind="declared", message="wörds"), "declared", "DECLARED", "wörds")
    await client.fails_with(client.call("Fail", kind="declared"), "declared", "DECLARED", "failed")
    await client.succeeds(client.call("Fail", kind="none"), {})
    await client.fails_with(client.call("Fail", kind="fatal", message="over"), "declared", "FATAL", "over")
    await client.succeeds(client.begin(wait_closed=True), {})


@CHECKS.add("calls", "an internal error of the server is UNKNOWN, then the connection ends")
async def internal(trial):
    client = trial.reference()
    await client.fails_with(client.call("Fail", kind="undeclared", message="m"), "unknown", "UNKNOWN", "Unknown Error")
    await client.succeeds(client.begin(wait_closed=True), {})


@CHECKS.add("calls", "Notify sent and called, and Notified")
async def notifies(trial):
    client = trial.reference()
    await client.succeeds(client.send("Notify", text="sent"), {})
    await client.succeeds(client.call("Notify", text="called \u2603"), {})
    await client.succeeds(client.call("Notified"), {"texts": ["sent", "called \u2603"]})


@CHECKS.add("calls", "CallMe: Ping is served while the call is under way")
async def calls_back(trial):
    client = trial.reference()
    for times, total in [(0, 0), (-1, 0), (1, 1), (200, 20100)]:
        await client.succeeds(client.call("CallMe", times=str(times)), {"total": str(total)})


@CHECKS.add("calls", "BigEcho of every byte, up to 65535")
async def echoes(trial):
    client = trial.reference()
    for data in [b"", bytes(range(256)), b"\xab" * 65535]:
        await client.succeeds(client.call("BigEcho", data=data.hex()), {"data": data.hex()})


@CHECKS.add("calls", "a thousand calls at once, each with its own result")
async def thousand(trial):
    client = trial.reference()
    orders = {client.call("Sum", a=str(n), b=str(n)): n for n in range(1000)}
    for order, n in orders.items():
        await client.succeeds(order, {"total": str(2 * n)})


@CHECKS.add("calls", "any id, members in any order, unknown members")
async def ids(trial):
    client = trial.reference()
    for given in ["text", 12345678901, "", "ü"]:
        client.program.write(
            b'{"args": {"n": "4"}, "more": [1, {"x": null}], "call": "Ping", "id": ' + json.dumps(given).encode() + b"}\n"
        )
        found = await client.next_result()
        equal((found["id"], outcome(found)), (given, {"n": "4"}), "id and result")


@CHECKS.add("calls", "many lines in one write, and one line in many")
async def cut_lines(trial):
    client = trial.reference()
    lines = b"".join(b'{"id": %d, "call": "Ping", "args": {"n": "%d"}}\n' % (n, n) for n in range(1, 101))
    client.program.write(lines)
    for n in range(1, 101):
        await client.succeeds(n, {"n": str(n)})
    one = b'{"id": 101, "call": "BigEcho", "args": {"data": "' + b"5a" * 60000 + b'"}}\n'
    for at in range(0, len(one), 5000):
        client.program.write(one[at : at + 5000])
    await client.succeeds(101, {"data": "5a" * 60000})
