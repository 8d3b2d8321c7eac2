"""EchoTypes: the JSON form of every type, and its bytes on the wire."""

from support import contract
from support.checks import equal
from support.notation import fields_from_json, fields_to_json
from support.raw import answer
from support.values import PLAIN, VALUES, exact, largest

from .trial import CHECKS

SCHEMA = contract.EchoTypes.arguments
PROTOCOL_KEYS = (b"_command", b"_ask")


async def goes_both_ways(trial, client, peer, fields):
    """From JSON to Twisted's own bytes, and from those bytes back to the same JSON."""
    if not all(trial.fits(largest(value)) for value in fields.values()):
        return
    order = client.call("EchoTypes", **fields_to_json(SCHEMA, fields))
    box = await peer.box()
    sent = {key: value for key, value in box.items() if key not in PROTOCOL_KEYS}
    expected = dict(contract.EchoTypes.makeArguments(fields, None))
    equal(sorted(sent), sorted(expected), "keys sent")
    for key in expected:
        # The sign of a zero offset is free.
        equal(sent[key].replace(b"-00:00", b"+00:00"), expected[key].replace(b"-00:00", b"+00:00"), f"{key!r} sent")
    peer.write(answer(box[b"_ask"], expected))
    found = await client.result(order)
    assert isinstance(found, dict), f"expected fields, found {found!r}"
    absent = {contract.identifier(name): None for name, argument in SCHEMA if argument.optional}
    equal(exact(fields_from_json(SCHEMA, found)), exact({**absent, **fields}), "fields given back")


@CHECKS.add("values", "the required fields alone; absent ones stay absent")
async def required_alone(trial):
    client, peer = await trial.raw()
    await goes_both_ways(trial, client, peer, PLAIN)


@CHECKS.add("values", "all fields at once")
async def all_fields(trial):
    client, peer = await trial.raw()
    await goes_both_ways(trial, client, peer, {**PLAIN, **{name: values[0] for name, values in VALUES.items()}})


def every_value_of(name):
    async def check(trial):
        client, peer = await trial.raw()
        for value in VALUES[name]:
            await goes_both_ways(trial, client, peer, {**PLAIN, name: value})

    return check


for field, argument in SCHEMA:
    CHECKS.add("values", f"every value of `{field.decode()}` ({type(argument).__name__})")(
        every_value_of(contract.identifier(field))
    )


@CHECKS.add("values", "the JSON forms are the contract's")
async def forms(trial):
    client, peer = await trial.raw()
    order = client.call("EchoTypes", **fields_to_json(SCHEMA, PLAIN))
    box = await peer.box()
    given = {
        "i": b"-7", "s": b"\x00\xff\xab", "u": "ü".encode(), "x": b"-0.0", "b": b"False", "d": b"1E+2",
        "t": b"2012-01-23T12:34:56.054321-01:23", "l": b"\0\x011\0\x02-2", "m": b"\0\x01k\0\x01x\0\0",
        "ox": b"nan", "od": b"NaN", "ob": b"True", "op": b"/a/b", "class": b"c", "opt-text": b"",
        "ol": b"\0\x03\0\x01a\0\0", "om": b"\0\x01r\0\x05\0\x031.5\0\x01s\0\x08\0\x01n\0\x015\0\0\0\0",
    }
    peer.write(answer(box[b"_ask"], given))
    found = await client.result(order)
    equal((float(found.pop("x")), float(found.pop("ox"))).__repr__(), "(-0.0, nan)", "floats")
    equal(found, {
        "i": "-7", "s": "00ffab", "u": "ü", "b": False, "d": "1E+2", "t": "2012-01-23T12:34:56.054321-01:23",
        "l": ["1", "-2"], "m": [{"k": "x"}], "od": "NaN", "ob": True, "op": "/a/b", "class": "c", "opt-text": "",
        "ol": [["a"], []], "om": [{"r": ["1.5"], "s": [{"n": "5"}]}],
    }, "fields")
