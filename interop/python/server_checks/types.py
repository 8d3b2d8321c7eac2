"""EchoTypes: every argument type, there and back."""

import datetime
import decimal
import struct

from twisted.protocols import amp
from twisted.python.filepath import FilePath

from support import contract
from support.checks import equal
from support.raw import raw, request

from .trial import CHECKS

UTC = datetime.timezone.utc


def zone(minutes):
    return datetime.timezone(datetime.timedelta(minutes=minutes))


PLAIN = {
    "i": 7, "s": b"bytes", "u": "text", "x": 1.5, "b": True, "d": decimal.Decimal("1.20"),
    "t": datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, zone(90)), "l": [1, -2, 3],
    "m": [{"k": "one", "v": 1}, {"k": "none", "v": None}],
}

VALUES = {
    "i": [0, -1, 2**63, -(2**63), 2**127 - 1, -(2**127), 10**400, -(10**400)],
    "s": [b"", b"\0", bytes(range(256)), b"x" * 65535],
    "u": ["", "\0", "ä\u2028\ufeff", "\U0010ffff", "é" * 32767],
    "x": [0.0, -0.0, 0.1, 1e22, 1e16, 123456789012345680.0, 5e-324, 2.2250738585072014e-308,
          1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 1e-5, 0.0001],
    "b": [True, False],
    "d": [decimal.Decimal(text) for text in
          ["0", "-0", "0.00", "-0E+3", "1E+2", "1E-10", "0E-10", "123456789.0000000000000000001",
           "Infinity", "-Infinity", "NaN", "-NaN", "sNaN", "NaN123", "9" * 80, "1E+999999", "0.000001",
           "0.0000001"]],
    "t": [datetime.datetime(1, 1, 1, tzinfo=UTC), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
          datetime.datetime(2000, 1, 2, 3, 4, 5, 6, zone(-90)),
          datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, zone(23 * 60 + 59)),
          datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, zone(-23 * 60 - 59))],
    "l": [[], [0], list(range(-500, 500)), [10**50]],
    "m": [[], [{"k": "", "v": None}], [{"k": f"k{n}", "v": n} for n in range(500)]],
    "ol": [[], [[]], [["a", ""], [], ["ü", "\0"]]],
    "om": [[], [{"r": [], "s": []}],
           [{"r": [0.5, -0.0], "s": [{"n": 1}, {"n": 2}]}, {"r": [1e300], "s": []}]],
    "op": [FilePath("/"), FilePath("/tmp/some file"), FilePath("/ü/日本")],
    "Class": ["", "first"],
    "opt_text": ["", "wörds"],
}
for optional, same in [("oi", "i"), ("os", "s"), ("ou", "u"), ("ox", "x"), ("ob", "b"), ("od", "d"), ("ot", "t")]:
    VALUES[optional] = VALUES[same]


def exact(value):
    """A form in which only the same values are equal."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack(">d", value)
    if isinstance(value, decimal.Decimal):
        return value.as_tuple()
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=None), value.utcoffset())
    if isinstance(value, list):
        return [exact(one) for one in value]
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items() if one is not None}
    return (type(value), value)


def largest(value):
    if isinstance(value, list):
        return max(map(largest, value), default=0)
    return value if isinstance(value, int) else 0


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
