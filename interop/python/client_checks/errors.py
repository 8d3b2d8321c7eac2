"""What becomes of error boxes, bad answers and values that cannot be sent."""

from support.raw import answer, encode, error

from .trial import CHECKS

ARGUMENTS = {
    "Sum": {"a": "1", "b": "2"},
    "Divide": {"numerator": "1", "denominator": "2"},
    "Fail": {"kind": "x"},
    "CallMe": {"times": "1"},
    "Ping": {"n": "1"},
    "BigEcho": {"data": "00"},
    "Notified": {},
}


async def told(client, peer, name, code, description="why"):
    order = client.call(name, **ARGUMENTS[name])
    box = await peer.box()
    peer.write(error(box[b"_ask"], code, description))
    return order


@CHECKS.add("errors", "a declared code is kind `declared`, and the connection goes on")
async def declared(trial):
    client, peer = await trial.raw()
    for name, code in [("Divide", "ZERO_DIVISION"), ("Fail", "DECLARED"), ("Fail", "FATAL"), ("CallMe", "PING_FAILED")]:
        for description in ["why", "", "ü \u2603"]:
            order = await told(client, peer, name, code, description)
            await client.fails_with(order, "declared", code, description)
    await client.lives(peer)


@CHECKS.add("errors", "a code that another command declares is kind `unknown`")
async def declared_elsewhere(trial):
    client, peer = await trial.raw()
    for name, code in [("Sum", "ZERO_DIVISION"), ("Divide", "DECLARED"), ("Fail", "PING_FAILED"), ("Ping", "TLS_ERROR")]:
        await client.fails_with(await told(client, peer, name, code), "unknown", code, "why")
    await client.lives(peer)


@CHECKS.add("errors", "UNHANDLED is kind `unhandled`")
async def unhandled(trial):
    client, peer = await trial.raw()
    for name in ARGUMENTS:
        await client.fails_with(await told(client, peer, name, "UNHANDLED"), "unhandled", "UNHANDLED", "why")
    await client.lives(peer)


@CHECKS.add("errors", "UNKNOWN and every other code is kind `unknown`; a code may be any bytes")
async def unknown(trial):
    client, peer = await trial.raw()
    for code in [b"UNKNOWN", b"own code", b"zero_division", b"", b"\0\x7f\x80\xff", "ü".encode()]:
        order = await told(client, peer, "Divide", code)
        await client.fails_with(order, "unknown", code.decode("latin-1"), "why")
    await client.lives(peer)


@CHECKS.add("errors", "a description that is not UTF-8 spoils nothing")
async def odd_description(trial):
    client, peer = await trial.raw()
    order = await told(client, peer, "Divide", "ZERO_DIVISION", b"a\xff")
    kind, code, _ = await client.result(order)
    assert (kind, code) == ("declared", "ZERO_DIVISION"), f"found {kind!r}, {code!r}"
    await client.lives(peer)


@CHECKS.add("errors", "an answer that lacks a field or cannot be decoded is `bad_answer`; the connection stays")
async def bad_answer(trial):
    client, peer = await trial.raw()
    for name, fields in [("Sum", {}), ("Sum", {"Total": "1"}), ("Sum", {"total": "one"}), ("Sum", {"total": ""}),
                         ("Divide", {"result": "1,5"}), ("Notified", {"texts": b"\0\x01\xff"})]:
        order = client.call(name, **ARGUMENTS[name])
        peer.write(answer((await peer.box())[b"_ask"], fields))
        await client.fails(order, "bad_answer")
    await client.lives(peer)


@CHECKS.add("errors", "unknown fields of an answer are ignored")
async def more_fields(trial):
    client, peer = await trial.raw()
    order = client.call("Sum", a="1", b="2")
    tag = (await peer.box())[b"_ask"]
    peer.write(answer(tag, {"total": "3", "more": b"\xff", "_private": "", "_command": "Ping", "_error": "x"}))
    await client.succeeds(order, {"total": "3"})
    await client.lives(peer)


@CHECKS.add("errors", "an error box without code or description")
async def incomplete(trial):
    for fields in [{}, {"_error_code": "UNKNOWN"}, {"_error_description": "why"}]:
        client, peer = await trial.raw()
        order = client.call("Ping", n="1")
        other = client.call("Ping", n="2")
        first, second = await peer.boxes(2)
        peer.write(encode({"_error": first[b"_ask"], **fields}))
        if trial.native:
            await client.fails(order, "bad_answer")
            peer.write(answer(second[b"_ask"], {"n": "2"}))
            await client.succeeds(other, {"n": "2"})
        else:
            await client.fails(order, "bad_answer", "lost")
            await client.fails(other, "lost")
            await peer.closed()


@CHECKS.add("errors", "a value over 65535 bytes is `local`, nothing is sent, and the connection stays")
async def too_long(trial):
    client, peer = await trial.raw()
    orders = [client.call("BigEcho", data="00" * 65536), client.call("Fail", kind="k", message="ü" * 40000),
              client.send("Notify", text="x" * 65536)]
    for order in orders:
        await client.fails(order, "local")
    # The first box that arrives is this call's.
    await client.lives(peer)
    order = client.call("BigEcho", data="00" * 65535)
    box = await peer.box()
    assert len(box[b"data"]) == 65535, f"{len(box[b'data'])} bytes came"
    peer.write(answer(box[b"_ask"], {"data": "x"}))
    await client.succeeds(order, {"data": "78"})


@CHECKS.add("errors", "one bad order leaves those around it alone")
async def bad_among_good(trial):
    client, peer = await trial.raw()
    before = client.call("Ping", n="1")
    bad = client.call("BigEcho", data="00" * 70000)
    after = client.call("Ping", n="2")
    first, second = await peer.boxes(2)
    peer.write(answer(second[b"_ask"], {"n": "2"}) + answer(first[b"_ask"], {"n": "1"}))
    await client.succeeds(before, {"n": "1"})
    await client.fails(bad, "local")
    await client.succeeds(after, {"n": "2"})
