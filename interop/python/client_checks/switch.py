"""Switch from the client's side."""

from support.checks import equal
from support.raw import answer, error

from .trial import CHECKS


async def switched(trial, behind=b""):
    client, peer = await trial.raw()
    order = client.begin(switch="echo")
    asked = await peer.box()
    equal({key: asked.get(key) for key in (b"_command", b"name")}, {b"_command": b"Switch", b"name": b"echo"}, "request")
    peer.write(answer(asked[b"_ask"]) + behind)
    await client.succeeds(order, {})
    return client, peer


@CHECKS.add("switch", "lines to the contract's server and back; `bye` ends the connection")
async def lines(trial):
    client = trial.reference()
    await client.succeeds(client.call("Ping", n="1"), {"n": "1"})
    await client.succeeds(client.begin(switch="echo"), {})
    for line in ["hello", "", "with a CR\r", "ünicode \u2603", "x" * 20000]:
        await client.succeeds(client.begin(line=line), {"line": f"echo:{line}"})
    await client.succeeds(client.begin(line="bye"), {"line": "echo:bye"})
    await client.succeeds(client.begin(wait_closed=True), {})


@CHECKS.add("switch", "exact bytes: each line and one LF")
async def exact_lines(trial):
    client, peer = await switched(trial)
    orders = [client.begin(line=line) for line in ["one", "", "two\r"]]
    for line in [b"one", b"", b"two\r"]:
        equal(await peer.line(), line, "line")
    # The lines that come back belong to the orders in turn.
    peer.write(b"a\nb\r\n\n")
    for order, line in zip(orders, ["a", "b\r", ""]):
        await client.succeeds(order, {"line": line})


@CHECKS.add("switch", "bytes behind the answer in the same read belong to the lines")
async def same_read(trial):
    client, peer = await switched(trial, b"first half, ")
    order = client.begin(line="x")
    await peer.line()
    await peer.write_in_pieces(b"second half\n")
    await client.succeeds(order, {"line": "first half, second half"})


@CHECKS.add("switch", "a line that looks like a box is a line")
async def box_like(trial):
    client, peer = await switched(trial)
    order = client.begin(line="x")
    await peer.line()
    peer.write(b"\0\x04_ask\0\x011\0\x08_command\0\x04Ping\0\x01n\0\x011\0\0\n")
    found = await client.result(order)
    assert isinstance(found, dict) and found["line"].startswith("\0\x04_ask"), f"found {found!r}"
    assert not peer.received, f"answered: {bytes(peer.received)!r}"


@CHECKS.add("switch", "any other name is NO_SUCH_PROTOCOL and AMP goes on")
async def refused(trial):
    client = trial.reference()
    found = await client.result(client.begin(switch="telnet"))
    equal(found[:2], ("declared", "NO_SUCH_PROTOCOL"), "error")
    await client.succeeds(client.call("CallMe", times="2"), {"total": "3"})
    await client.succeeds(client.begin(switch="echo"), {})
    await client.succeeds(client.begin(line="at last"), {"line": "echo:at last"})


@CHECKS.add("switch", "other errors for Switch")
async def other_refusals(trial):
    client, peer = await trial.raw()
    for code, kind in [("UNHANDLED", "unhandled"), ("UNKNOWN", "unknown"), ("ZERO_DIVISION", "unknown")]:
        order = client.begin(switch="echo")
        peer.write(error((await peer.box())[b"_ask"], code, "no"))
        await client.fails_with(order, kind, code, "no")
        await client.lives(peer)


@CHECKS.add("switch", "a line under way when the connection ends is `lost`")
async def lost(trial):
    client, peer = await switched(trial)
    order = client.begin(line="x")
    await peer.line()
    peer.close()
    await client.fails(order, "lost")
    await client.fails(client.begin(line="y"), "lost")
    await client.succeeds(client.begin(wait_closed=True), {})
