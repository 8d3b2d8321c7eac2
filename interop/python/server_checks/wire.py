"""Bytes: tags, keys, boxes that are none, and however they are cut."""

from support.checks import equal
from support.raw import answer, encode, error, request

from .trial import CHECKS


@CHECKS.add("wire", "any bytes are a tag and come back")
async def any_tag(trial):
    peer = await trial.raw()
    for tag in [b"1", b"", b"\0\xff", b"t" * 65535, "ü".encode(), b"_answer"]:
        peer.write(request("Sum", {"a": "1", "b": "1"}, tag))
        equal(await peer.answer(tag), {b"total": b"2"}, "answer")


@CHECKS.add("wire", "the same tag may be used again")
async def same_tag(trial):
    peer = await trial.raw()
    peer.write(request("Ping", {"n": "1"}, "t") + request("Ping", {"n": "2"}, "t"))
    equal(await peer.answer("t"), {b"n": b"1"}, "answer")
    equal(await peer.answer("t"), {b"n": b"2"}, "answer")


@CHECKS.add("wire", "keys may come in any order, and the last of the same counts")
async def any_order(trial):
    peer = await trial.raw()
    pairs = [("b", "5"), ("_command", "Ping"), ("a", "x"), ("_ask", "no"), ("_command", "Sum"), ("a", "4"), ("_ask", "s")]
    peer.write(encode(pairs))
    equal(await peer.answer("s"), {b"total": b"9"}, "answer")


@CHECKS.add("wire", "a request that comes byte by byte")
async def byte_by_byte(trial):
    peer = await trial.raw()
    await peer.write_in_pieces(request("Sum", {"a": "40", "b": "2"}, "s"))
    equal(await peer.answer("s"), {b"total": b"42"}, "answer")


@CHECKS.add("wire", "two requests, cut at every place")
async def every_cut(trial):
    peer = await trial.raw()
    both = request("Sum", {"a": "1", "b": "2"}, "s") + request("BigEcho", {"data": ""}, "e")
    for cut in range(1, len(both)):
        await peer.write_in_pieces(both[:cut], cut)
        await peer.write_in_pieces(both[cut:], len(both))
        equal(await peer.answer("s"), {b"total": b"3"}, "first answer")
        equal(await peer.answer("e"), {b"data": b""}, "second answer")


@CHECKS.add("wire", "a hundred requests in one write")
async def one_write(trial):
    peer = await trial.raw()
    peer.write(b"".join(request("Ping", {"n": str(n)}, str(n)) for n in range(100)))
    found = await peer.boxes(100)
    equal({box[b"_answer"]: box[b"n"] for box in found}, {b"%d" % n: b"%d" % n for n in range(100)}, "answers")


@CHECKS.add("wire", "a key of 255 bytes is allowed")
async def longest_key(trial):
    peer = await trial.raw()
    peer.write(request("Ping", {"n": "1", "k" * 255: "v"}, "p"))
    equal(await peer.answer("p"), {b"n": b"1"}, "answer")


@CHECKS.add("wire", "a key length over 255 ends the connection")
async def key_too_long(trial):
    for start in [b"\x01\x00" + b"k" * 256, b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x08_command\x00\x04Ping\x01\x00"]:
        peer = await trial.raw()
        peer.write(start)
        await peer.closed()


@CHECKS.add("wire", "an empty box ends the connection")
async def empty_box(trial):
    peer = await trial.raw()
    peer.write(b"\0\0")
    await peer.closed()


@CHECKS.add("wire", "a box without _command, _answer and _error ends the connection")
async def no_protocol_key(trial):
    for fields in [{"a": "1"}, {"_ask": "1"}, {"_error_code": "X", "_error_description": "y"}]:
        peer = await trial.raw()
        peer.write(encode(fields))
        await peer.closed()


@CHECKS.add("wire", "an answer or error with a tag that is not under way ends the connection")
async def unknown_tag(trial):
    for box in [answer("1"), answer("ffff", {"n": "1"}), error("1", "UNKNOWN"), error(b"\xff", "X"), answer("")]:
        peer = await trial.raw()
        peer.write(box)
        await trial.ends(peer)


@CHECKS.add("wire", "the second answer to one question ends the connection")
async def answered_twice(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "1"}, "c"))
    ping = await peer.box()
    peer.write(answer(ping[b"_ask"], {"n": "4"}))
    equal(await peer.answer("c"), {b"total": b"4"}, "answer")
    peer.write(answer(ping[b"_ask"], {"n": "4"}))
    await trial.ends(peer)


@CHECKS.add("wire", "an error box without code or description ends the connection")
async def incomplete_error(trial):
    for fields in [{}, {"_error_code": "UNKNOWN"}, {"_error_description": "why"}]:
        peer = await trial.raw()
        peer.write(request("CallMe", {"times": "1"}, "c"))
        ping = await peer.box()
        peer.write(encode({"_error": ping[b"_ask"], **fields}))
        if trial.native:
            peer.write(request("Ping", {"n": "5"}, "p"))
            await _failed_or_closed(peer)
        else:
            await peer.closed()


async def _failed_or_closed(peer):
    """Native mode may stay open; then CallMe fails as after any other failed Ping."""
    found = []
    while len(found) < 2 and not peer.ended:
        try:
            found.append(await peer.box())
        except AssertionError:
            break
    for box in found:
        expected = box.get(b"_error_code") == b"PING_FAILED" or box.get(b"_answer") == b"p"
        assert expected, f"neither PING_FAILED nor a Ping's answer: {box!r}"
    assert peer.ended or len(found) == 2, f"open, but only {found!r} came"


@CHECKS.add("wire", "_answer goes before _error, and _error before _command")
async def precedence(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "2"}, "c"))
    ping = await peer.box()
    peer.write(encode({"_answer": ping[b"_ask"], "_error": "zz", "_command": "Nothing", "_ask": "q", "n": "8"}))
    ping = await peer.box()
    equal((ping.get(b"_command"), ping.get(b"n")), (b"Ping", b"2"), "the next request")
    peer.write(encode({"_error": ping[b"_ask"], "_error_code": "X", "_error_description": "",
                       "_command": "Nothing", "_ask": "q"}))
    await peer.error("c", "PING_FAILED")
