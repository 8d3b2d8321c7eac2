"""The bytes a client sends, and what it makes of the bytes it gets."""

from support.checks import equal
from support.raw import answer, encode, error

from .trial import CHECKS


def without_tag(box):
    return {key: value for key, value in box.items() if key != b"_ask"}


@CHECKS.add("wire", "each command's box")
async def boxes(trial):
    client, peer = await trial.raw()
    for name, arguments, expected in [
        ("Sum", {"a": "1", "b": "-2"}, {b"a": b"1", b"b": b"-2"}),
        ("Divide", {"numerator": "1", "denominator": "0"}, {b"numerator": b"1", b"denominator": b"0"}),
        ("Delay", {"seconds": "0.25"}, {b"seconds": b"0.25"}),
        ("Fail", {"kind": "ü"}, {b"kind": "ü".encode()}),
        ("Fail", {"kind": "", "message": ""}, {b"kind": b"", b"message": b""}),
        ("Notify", {"text": "t"}, {b"text": b"t"}),
        ("Notified", {}, {}),
        ("CallMe", {"times": "3"}, {b"times": b"3"}),
        ("Ping", {"n": "0"}, {b"n": b"0"}),
        ("BigEcho", {"data": "00ff"}, {b"data": b"\0\xff"}),
    ]:
        client.call(name, **arguments)
        asked = await peer.box()
        assert b"_ask" in asked, f"a call without _ask: {asked!r}"
        equal(without_tag(asked), {b"_command": name.encode(), **expected}, "the call's box")
        sent = client.send(name, **arguments)
        equal(await peer.box(), {b"_command": name.encode(), **expected}, "the box that asks for no answer")
        await client.succeeds(sent, {})


@CHECKS.add("wire", "boxes leave in the order of the lines, each with a tag of its own")
async def in_order(trial):
    client, peer = await trial.raw()
    orders = []
    for n in range(500):
        orders.append(client.call("Ping", n=str(n)))
        client.send("Notify", text=str(n))
    tags = []
    for n in range(500):
        asked, told = await peer.boxes(2)
        equal((asked.get(b"n"), told.get(b"text")), (b"%d" % n, b"%d" % n), "order")
        tags.append(asked[b"_ask"])
    equal(len(set(tags)), 500, "number of different tags")
    # Answers in the opposite order find their calls.
    peer.write(b"".join(answer(tag, {"n": str(n)}) for n, tag in reversed(list(enumerate(tags)))))
    for n, order in enumerate(orders):
        await client.succeeds(order, {"n": str(n)})


@CHECKS.add("wire", "answers that come byte by byte, or cut anywhere")
async def cut(trial):
    client, peer = await trial.raw()
    order = client.call("Ping", n="1")
    await peer.write_in_pieces(answer((await peer.box())[b"_ask"], {"n": "1"}))
    await client.succeeds(order, {"n": "1"})
    one, other = client.call("Ping", n="2"), client.call("Divide", numerator="1", denominator="0")
    first, second = await peer.boxes(2)
    both = answer(first[b"_ask"], {"n": "2"}) + error(second[b"_ask"], "ZERO_DIVISION", "no")
    await peer.write_in_pieces(both, 7)
    await client.succeeds(one, {"n": "2"})
    await client.fails_with(other, "declared", "ZERO_DIVISION", "no")


@CHECKS.add("wire", "an answer or error with an unknown tag ends the connection")
async def unknown_tag(trial):
    for box in [answer("no such tag"), error(b"\xff", "UNKNOWN"), answer("")]:
        client, peer = await trial.raw()
        order = client.call("Delay", seconds="1.0")
        tag = (await peer.box())[b"_ask"]
        peer.write(box)
        await trial.ends(client, peer)
        if peer.ended:
            await client.fails(order, "lost")
        else:
            peer.write(answer(tag))
            await client.succeeds(order, {})


@CHECKS.add("wire", "a second answer to the same call ends the connection")
async def answered_twice(trial):
    client, peer = await trial.raw()
    order = client.call("Ping", n="1")
    tag = (await peer.box())[b"_ask"]
    peer.write(answer(tag, {"n": "1"}) + answer(tag, {"n": "2"}))
    await client.succeeds(order, {"n": "1"})
    await trial.ends(client, peer)


@CHECKS.add("wire", "what is no box of AMP ends the connection")
async def malformed(trial):
    for bad in [b"\0\0", encode({"a": "1"}), b"\x01\x00" + b"k" * 256, b"HTTP/1.1 400 Bad Request\r\n\r\n"]:
        client, peer = await trial.raw()
        order = client.call("Ping", n="1")
        await peer.box()
        peer.write(bad)
        await client.fails(order, "lost")
        await peer.closed()
