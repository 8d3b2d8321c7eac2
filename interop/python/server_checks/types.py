"""EchoTypes: every argument type, there and back."""

from twisted.protocols import amp

from support import contract
from support.checks import equal
from support.raw import raw, request
from support.values import PLAIN, VALUES, exact, largest

from .trial import CHECKS

async def echoes(trial, peer, fields):
    if not all(trial.fits(largest(value)) for value in fields.values()):
        return
    found = await peer.callRemote(contract.EchoTypes, **fields)
    equal(exact(found), exact(fields), "fields")


@CHECKS.add("types", "the required fields alone; absent ones stay absent")
async def required_alone(trial):
    box = contract.EchoTypes.makeArguments(PLAIN, None)
    peer = await trial.raw()
    peer.write(request("EchoTypes", box, "e"))
    found = await peer.answer("e")
    equal(sorted(found), sorted(box), "keys of the answer")
    equal(dict(found), dict(box), "bytes of the answer")


@CHECKS.add("types", "all fields at once")
async def all_fields(trial):
    optional = {name: VALUES[name][-1] for name in ["ox", "ob", "od", "ot", "ol", "om", "op", "Class", "opt_text"]}
    await echoes(trial, await trial.amp(), {**PLAIN, **optional, "oi": -5, "os": b"\0", "ou": ""})


def echo_of(name):
    async def check(trial):
        peer = await trial.amp()
        for value in VALUES[name]:
            await echoes(trial, peer, {**PLAIN, name: value})

    return check


for field, argument in contract.EchoTypes.arguments:
    CHECKS.add("types", f"every value of `{field.decode()}` ({type(argument).__name__})")(
        echo_of(contract.identifier(field))
    )


@CHECKS.add("types", "values are encoded exactly as Twisted encodes them")
async def encoded_alike(trial):
    peer = await trial.raw()
    for name, values in VALUES.items():
        for number, value in enumerate(values):
            if exact(value) == "nan" or not trial.fits(largest(value)):
                continue
            box = contract.EchoTypes.makeArguments({**PLAIN, name: value}, None)
            tag = f"{name}{number}"
            peer.write(request("EchoTypes", box, tag))
            found = await peer.answer(tag)
            for key in box:
                # The sign of a zero offset is free, and Twisted itself writes -00:00.
                alike = {box[key], box[key].replace(b"-00:00", b"+00:00")}
                assert found.get(key) in alike, f"{key!r}: sent {box[key]!r}, found {found.get(key)!r}"


@CHECKS.add("types", "a UTC time with either sign of its offset")
async def either_sign(trial):
    peer = await trial.raw()
    box = contract.EchoTypes.makeArguments(PLAIN, None)
    for sign in b"+-":
        sent = b"2024-02-29T00:00:00.000001%c00:00" % sign
        peer.write(request("EchoTypes", {**box, b"t": sent}, "t"))
        found = (await peer.answer("t"))[b"t"]
        equal(found.replace(b"+", b"-"), sent.replace(b"+", b"-"), "time")


@CHECKS.add("types", "the answers to Divide are written as Python's repr")
async def floats_as_repr(trial):
    peer = await trial.raw()
    for a, b in [(1, 3), (10**15, 1), (1, 10**5), (1, 10**4), (2**53 - 1, 1), (1, 2**53 - 1), (-1, 7)]:
        peer.write(request("Divide", {"numerator": str(a), "denominator": str(b)}, "d"))
        equal((await peer.answer("d"))[b"result"], raw(repr(a / b)), f"{a} / {b}")


@CHECKS.add("types", "an AmpList's boxes may hold keys in any order and unknown ones")
async def any_order_inside(trial):
    peer = await trial.raw()
    box = contract.EchoTypes.makeArguments(PLAIN, None)
    inner = amp.AmpBox(k=b"name", v=b"3").serialize()
    mixed = b"\0\x01v\0\x013\0\x04more\0\x00\0\x01k\0\x04name\0\0"
    peer.write(request("EchoTypes", {**box, b"m": mixed}, "m"))
    equal((await peer.answer("m"))[b"m"], inner, "list")
