"""Switch to the line protocol."""

from support.checks import equal
from support.raw import request

from .trial import CHECKS


async def switched(trial, behind=b""):
    peer = await trial.raw()
    peer.write(request("Switch", {"name": "echo"}, "s") + behind)
    equal(await peer.answer("s"), {}, "fields of the answer")
    return peer


@CHECKS.add("switch", "lines are echoed, and `bye` ends the connection")
async def echoed(trial):
    peer = await switched(trial)
    for line in [b"hello", b"", b"with a CR\r", b"\xff\0 any bytes", b"bye ", b"x" * 70000]:
        peer.write(line + b"\n")
        equal(await peer.line(), b"echo:" + line, "line")
    peer.write(b"bye\n")
    equal(await peer.line(), b"echo:bye", "line")
    await peer.closed()


@CHECKS.add("switch", "bytes behind the request in the same read are lines")
async def same_read(trial):
    peer = await switched(trial, b"one\ntwo\nhal")
    equal(await peer.line(), b"echo:one", "line")
    equal(await peer.line(), b"echo:two", "line")
    peer.write(b"f\nbye\n")
    equal(await peer.line(), b"echo:half", "line")
    equal(await peer.line(), b"echo:bye", "line")
    await peer.closed()


@CHECKS.add("switch", "a box behind the request is a line too")
async def box_behind(trial):
    box = request("Ping", {"n": "1"}, "p")
    peer = await switched(trial, box + b"\n")
    equal(await peer.line(), b"echo:" + box, "line")


@CHECKS.add("switch", "what comes byte by byte")
async def cut(trial):
    peer = await trial.raw()
    await peer.write_in_pieces(request("Switch", {"name": "echo"}, "s") + b"a line\nbye\n")
    equal(await peer.answer("s"), {}, "fields")
    equal(await peer.line(), b"echo:a line", "line")
    equal(await peer.line(), b"echo:bye", "line")
    await peer.closed()


@CHECKS.add("switch", "nothing behind `bye` is echoed")
async def behind_bye(trial):
    peer = await switched(trial, b"bye\nmore\n")
    equal(await peer.line(), b"echo:bye", "line")
    await peer.closed()


@CHECKS.add("switch", "no other box follows the answer")
async def last_box(trial):
    peer, other = await trial.raw(), await trial.raw()
    peer.write(request("Delay", {"seconds": "0.1"}, "d") + request("Switch", {"name": "echo"}, "s"))
    equal(await peer.answer("s"), {}, "fields")
    # Waits, by another connection's clock, until the first Delay is over.
    other.write(request("Delay", {"seconds": "0.3"}, "o"))
    await other.answer("o")
    peer.write(b"line\n")
    equal(await peer.line(), b"echo:line", "line")


@CHECKS.add("switch", "any other name is NO_SUCH_PROTOCOL and AMP goes on")
async def no_such(trial):
    peer = await trial.raw()
    for name in ["", "Echo", "telnet", "ü"]:
        peer.write(request("Switch", {"name": name}, "s"))
        await peer.error("s", "NO_SUCH_PROTOCOL")
        await peer.usable()


@CHECKS.add("switch", "the end of the peer's lines ends the connection")
async def end_of_lines(trial):
    peer = await switched(trial, b"last\n")
    equal(await peer.line(), b"echo:last", "line")
    peer.half_close()
    await peer.closed()
