"""Values of every argument type, for both checkers."""

import datetime
import decimal
import struct

from twisted.python.filepath import FilePath

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
