"""The contract's JSON form of values, by argument type."""

import decimal

from twisted.protocols import amp
from twisted.python.filepath import FilePath

from .contract import identifier


class BadValue(Exception):
    """A JSON value that does not fit its type."""


def fields_from_json(schema, values):
    """JSON members to the keyword arguments that Twisted takes; unknown members are refused."""
    known = {name.decode("ascii"): argument for name, argument in schema}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadValue(f"no such argument: {', '.join(unknown)}")
    objects = {}
    for name, argument in schema:
        text = name.decode("ascii")
        if text in values:
            objects[identifier(name)] = value_from_json(argument, values[text])
        elif argument.optional:
            objects[identifier(name)] = None
        else:
            raise BadValue(f"argument {text} is missing")
    return objects


def fields_to_json(schema, objects):
    """What Twisted decoded to JSON members; absent optional values stay absent."""
    return {
        name.decode("ascii"): value_to_json(argument, objects[identifier(name)])
        for name, argument in schema
        if objects.get(identifier(name)) is not None
    }


def value_from_json(argument, value):
    try:
        return _value_from_json(argument, value)
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise BadValue(f"{value!r} does not fit {type(argument).__name__}: {error}") from error


def _value_from_json(argument, value):
    # Path is a kind of Unicode, Unicode of String: the narrower types come first.
    if isinstance(argument, amp.Path):
        return FilePath(value)
    if isinstance(argument, amp.Unicode):
        return _checked(value, str)
    if isinstance(argument, amp.String):
        return bytes.fromhex(_checked(value, str))
    if isinstance(argument, amp.Integer):
        return int(_checked(value, str))
    if isinstance(argument, amp.Float):
        return float(_checked(value, str))
    if isinstance(argument, amp.Boolean):
        return _checked(value, bool)
    if isinstance(argument, amp.Decimal):
        return decimal.Decimal(_checked(value, str))
    if isinstance(argument, amp.DateTime):
        return argument.fromString(_checked(value, str).encode("ascii"))
    if isinstance(argument, amp.ListOf):
        return [value_from_json(argument.elementType, one) for one in _checked(value, list)]
    if isinstance(argument, amp.AmpList):
        return [fields_from_json(argument.subargs, one) for one in _checked(value, list)]
    raise TypeError(f"no notation for {argument!r}")


def value_to_json(argument, value):
    if isinstance(argument, amp.Path):
        return value.asTextMode().path
    if isinstance(argument, (amp.Boolean, amp.Unicode)):
        return value
    if isinstance(argument, amp.String):
        return value.hex()
    if isinstance(argument, (amp.Integer, amp.Decimal)):
        return str(value)
    if isinstance(argument, amp.Float):
        return repr(value)
    if isinstance(argument, amp.DateTime):
        return argument.toString(value).decode("ascii")
    if isinstance(argument, amp.ListOf):
        return [value_to_json(argument.elementType, one) for one in value]
    if isinstance(argument, amp.AmpList):
        return [fields_to_json(argument.subargs, one) for one in value]
    raise TypeError(f"no notation for {argument!r}")


def _checked(value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value
