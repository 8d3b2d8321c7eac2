"""Errors: declared, fatal, internal; and requests that cannot be carried out."""

from support import contract
from support.checks import equal
from support.raw import request
from support.values import PLAIN

from .trial import CHECKS


@CHECKS.add("errors", "Fail declared: the code, the message, and the connection goes on")
async def declared(trial):
    peer = await trial.raw()
    for message, expected in [(None, "failed"), ("", ""), ("no such thing", "no such thing"), ("über \u2603", "über \u2603")]:
        fields = {"kind": "declared"} if message is None else {"kind": "declared", "message": message}
        peer.write(request("Fail", fields, "f"))
        equal(await peer.error("f", "DECLARED"), expected, "description")
        await peer.usable()


@CHECKS.add("errors", "Fail fatal: the code, the message, then the end")
async def fatal(trial):
    for message, expected in [(None, "failed"), ("over", "over")]:
        peer = await trial.raw()
        fields = {"kind": "fatal"} if message is None else {"kind": "fatal", "message": message}
        peer.write(request("Fail", fields, "f"))
        equal(await peer.error("f", "FATAL"), expected, "description")
        await peer.closed()


@CHECKS.add("errors", "Fail undeclared: UNKNOWN without the message")
async def undeclared(trial):
    peer = await trial.raw()
    peer.write(request("Fail", {"kind": "undeclared", "message": "the secret word"}, "f"))
    description = await peer.error("f", "UNKNOWN")
    assert "secret" not in description, f"the description tells: {description!r}"
    await trial.ends(peer)


@CHECKS.add("errors", "Fail of any other kind succeeds")
async def other_kinds(trial):
    peer = await trial.raw()
    for kind in ["", "none", "Declared", "ünknown"]:
        peer.write(request("Fail", {"kind": kind, "message": "m"}, "f"))
        equal(await peer.answer("f"), {}, "fields")


@CHECKS.add("errors", "an unknown command is UNHANDLED and the connection goes on")
async def unhandled(trial):
    peer = await trial.raw()
    for name in ["Nothing", "sum", "", "Sum ", "_answer"]:
        peer.write(request(name, {"a": "1"}, "u"))
        await peer.error("u", "UNHANDLED")
        await peer.usable()


@CHECKS.add("errors", "a missing argument is UNKNOWN")
async def missing(trial):
    for name, arguments in [("Sum", {"a": "1"}), ("Sum", {}), ("Ping", {}), ("Fail", {"message": "m"})]:
        peer = await trial.raw()
        peer.write(request(name, arguments, "m"))
        await peer.error("m", "UNKNOWN")
        await trial.ends(peer)


@CHECKS.add("errors", "an argument that cannot be decoded is UNKNOWN")
async def malformed(trial):
    plain = contract.EchoTypes.makeArguments(PLAIN, None)
    cases = [("Sum", {"a": "one", "b": "1"}), ("Sum", {"a": "", "b": "1"}), ("Delay", {"seconds": "soon"}),
             ("Notify", {"text": b"\xff\xfe"}), ("Fail", {"kind": b"\xc3"})]
    for key, value in [("b", "true"), ("b", ""), ("d", "1.2.3"), ("t", "2024-02-30T00:00:00.000000+00:00"),
                       ("t", "2024-02-29T00:00:00"), ("l", b"\0\x01x"), ("m", b"\0\x01v\0\x011\0\0"),
                       ("oi", "1.5"), ("x", "1,5")]:
        cases.append(("EchoTypes", {**plain, key.encode(): value}))
    for name, arguments in cases:
        peer = await trial.raw()
        peer.write(request(name, arguments, "m"))
        await peer.error("m", "UNKNOWN")
        await trial.ends(peer)


@CHECKS.add("errors", "unknown keys of a request are ignored")
async def unknown_keys(trial):
    peer = await trial.raw()
    extra = {"a": "1", "b": "2", "c": b"\xff\xff", "_private": "x", "\u00e4" * 100: "y" * 60000}
    peer.write(request("Sum", extra, "s"))
    equal(await peer.answer("s"), {b"total": b"3"}, "answer")


@CHECKS.add("errors", "a command without _ask is carried out and not answered")
async def without_ask(trial):
    peer = await trial.raw()
    for name, arguments in [("Sum", {"a": "1", "b": "2"}), ("Ping", {"n": "1"}), ("Delay", {"seconds": "0.0"}),
                            ("BigEcho", {"data": "x"}), ("Fail", {"kind": "none"})]:
        peer.write(request(name, arguments))
    await peer.usable()


@CHECKS.add("errors", "CallMe without _ask still calls Ping")
async def call_me_without_ask(trial):
    peer = await trial.raw()
    peer.write(request("CallMe", {"times": "1"}))
    equal((await peer.box()).get(b"_command"), b"Ping", "command")


@CHECKS.add("errors", "an internal error without _ask sends nothing and ends the connection")
async def internal_without_ask(trial):
    for name, arguments in [("Fail", {"kind": "undeclared"}), ("Notify", {}), ("Sum", {"a": "x", "b": "1"})]:
        peer = await trial.raw()
        peer.write(request(name, arguments))
        await trial.ends(peer)


@CHECKS.add("errors", "a declared error or an unknown command without _ask sends nothing and ends it as well")
async def declared_without_ask(trial):
    for name, arguments in [("Fail", {"kind": "declared"}), ("Fail", {"kind": "fatal"}), ("Nothing", {}),
                            ("Divide", {"numerator": "1", "denominator": "0"})]:
        peer = await trial.raw()
        peer.write(request(name, arguments))
        await trial.ends(peer)
