"""Every argument type there and back, alone, in lists, optional."""

from support.checks import equal
from support.type_commands import ECHO, MAYBE
from support.values import PLAIN, VALUES, exact, largest

from .trial import CHECKS

SIMPLE = {
    "Integer": VALUES["i"] + [10**4000, -(2**4096)],
    "String": VALUES["s"],
    "Unicode": VALUES["u"],
    "Float": VALUES["x"],
    "Boolean": VALUES["b"],
    "Path": VALUES["op"],
    "Decimal": VALUES["d"],
    "DateTime": VALUES["t"],
}


def short(values):
    """Those that fit beside each other into one list of 65535 bytes."""
    return [value for value in values if not isinstance(value, (str, bytes)) or len(value) < 1000]


POINT = {"x": 0.1, "when": PLAIN["t"], "price": PLAIN["d"], "ok": False}
BARE_POINT = {"x": float("-inf"), "when": None, "price": None, "ok": None}
BARE = {"name": "", "count": None, "tags": None, "data": None, "points": None}
FULL = {"name": "ü", "count": -1, "tags": ["a", ""], "data": b"\0\xff", "points": [POINT, BARE_POINT]}

EXAMPLES = {
    **SIMPLE,
    **{f"ListOf{name}": [[], short(values), short(values)[:1]] for name, values in SIMPLE.items()},
    "ListOfListOfUnicode": [[], [[]], [["a", ""], [], ["\u2603"]]],
    "ListOfListOfListOfInteger": [[], [[[]]], [[[1, 2], []], [], [[-3]]]],
    "AmpList": [[], [BARE], [FULL], [FULL, BARE, {**FULL, "points": []}], [{**BARE, "count": n} for n in range(1000)]],
}


def echoed(name, command, values):
    async def check(trial):
        peer = await trial.peer()
        for value in values:
            if trial.fits(_largest(value)):
                found = await peer.callRemote(command, value=value)
                equal(exact(found), exact({"value": value}), f"{command.__name__} of")

    CHECKS.add("values", f"{command.__name__}")(check)


def _largest(value):
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return 0 if isinstance(value, dict) else largest(value)


for type_name, examples in EXAMPLES.items():
    echoed(type_name, ECHO[type_name], examples)
    echoed(type_name, MAYBE[type_name], [None, *examples])
