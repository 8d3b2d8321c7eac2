"""The client serves Ping."""

from support.checks import equal
from support.raw import answer, request

from .trial import CHECKS


@CHECKS.add("serving", "Ping, before the first line of the input already")
async def ping(trial):
    client, peer = await trial.raw()
    for n in [0, -1, 2**63, 10**300]:
        if trial.fits(n):
            peer.write(request("Ping", {"n": str(n)}, "p"))
            equal(await peer.answer("p"), {b"n": str(n).encode()}, "answer")


@CHECKS.add("serving", "a thousand Pings in one write")
async def many(trial):
    client, peer = await trial.raw()
    peer.write(b"".join(request("Ping", {"n": str(n)}, str(n)) for n in range(1000)))
    found = {box[b"_answer"]: box[b"n"] for box in await peer.boxes(1000)}
    equal(found, {b"%d" % n: b"%d" % n for n in range(1000)}, "answers")


@CHECKS.add("serving", "Ping without _ask is not answered")
async def not_asked(trial):
    client, peer = await trial.raw()
    peer.write(request("Ping", {"n": "1"}))
    await peer.usable()


@CHECKS.add("serving", "Ping while a call is under way")
async def meanwhile(trial):
    client, peer = await trial.raw()
    order = client.call("Delay", seconds="1.0")
    tag = (await peer.box())[b"_ask"]
    await peer.usable()
    # The same tag in the other direction is another conversation.
    peer.write(request("Ping", {"n": "6"}, tag))
    equal(await peer.answer(tag), {b"n": b"6"}, "answer")
    peer.write(answer(tag))
    await client.succeeds(order, {})


@CHECKS.add("serving", "any other command is UNHANDLED and the connection goes on")
async def others(trial):
    client, peer = await trial.raw()
    for name in ["Sum", "ping", "Nothing", ""]:
        peer.write(request(name, {"a": "1", "b": "2"}, "u"))
        await peer.error("u", "UNHANDLED")
    await peer.usable()
    await client.lives(peer)


@CHECKS.add("serving", "a Ping without n, or with one that is no number, is UNKNOWN")
async def bad_ping(trial):
    for arguments in [{}, {"n": "many"}]:
        client, peer = await trial.raw()
        peer.write(request("Ping", arguments, "p"))
        await peer.error("p", "UNKNOWN")
        await trial.ends(client, peer)
