"""
The commands of types_peer.py. Both sides serve all of them unless it is said otherwise.

For each argument type a command `Echo<Type>` with the argument and response `value`, and a
command `Maybe<Type>` whose `value` is optional in both; see TYPES for the names.
"""

from twisted.protocols import amp

# The element of the AmpList: nested, with optional members of several types.
ROW = [
    (b"name", amp.Unicode()),
    (b"count", amp.Integer(optional=True)),
    (b"tags", amp.ListOf(amp.Unicode(), optional=True)),
    (b"data", amp.String(optional=True)),
    (
        b"points",
        amp.AmpList(
            [
                (b"x", amp.Float()),
                (b"when", amp.DateTime(optional=True)),
                (b"price", amp.Decimal(optional=True)),
                (b"ok", amp.Boolean(optional=True)),
            ],
            optional=True,
        ),
    ),
]

_SIMPLE = {
    "Integer": amp.Integer,
    "String": amp.String,
    "Unicode": amp.Unicode,
    "Float": amp.Float,
    "Boolean": amp.Boolean,
    "Path": amp.Path,
    "Decimal": amp.Decimal,
    "DateTime": amp.DateTime,
}


def _list_of(element):
    return lambda optional=False: amp.ListOf(element(), optional=optional)


# Name of the type, and a function that makes the argument.
TYPES = {
    **_SIMPLE,
    **{f"ListOf{name}": _list_of(argument) for name, argument in _SIMPLE.items()},
    "ListOfListOfUnicode": _list_of(_list_of(amp.Unicode)),
    "ListOfListOfListOfInteger": _list_of(_list_of(_list_of(amp.Integer))),
    "AmpList": lambda optional=False: amp.AmpList(ROW, optional=optional),
}


def _command(name, argument):
    fields = [(b"value", argument)]
    return type(name, (amp.Command,), {"arguments": fields, "response": fields})


ECHO = {name: _command(f"Echo{name}", argument()) for name, argument in TYPES.items()}
MAYBE = {name: _command(f"Maybe{name}", argument(optional=True)) for name, argument in TYPES.items()}


class NotThere(Exception):
    pass


class NotThereYet(NotThere):
    """Not declared itself: travels as what it is a kind of."""


class NotYours(Exception):
    pass


class Broken(Exception):
    pass


class Lookup(amp.Command):
    """Fails with NOT_THERE and the text as description, or answers when the text is empty."""

    arguments = [(b"text", amp.Unicode())]
    errors = {NotThere: b"NOT_THERE"}


class LookupOwned(Lookup):
    """
    Inherits NOT_THERE and adds NOT_YOURS. `kind`: `not there`, `not there yet` (a kind of
    NOT_THERE), `not yours`; anything else is answered.
    """

    arguments = [(b"kind", amp.Unicode())]
    errors = {NotYours: b"NOT_YOURS"}


class Break(amp.Command):
    """Fails with the fatal BROKEN, `text` as description; the server closes."""

    arguments = [(b"text", amp.Unicode())]
    fatalErrors = {Broken: b"BROKEN"}


class Crash(amp.Command):
    """Fails with an error nobody declared: UNKNOWN, and `text` stays secret."""

    arguments = [(b"text", amp.Unicode())]


class CatchAll(amp.Command):
    """
    Declares every exception: any failure of the responder is ANYTHING, `text` as description, and
    the connection goes on.
    """

    arguments = [(b"text", amp.Unicode())]
    errors = {Exception: b"ANYTHING"}


class OwnCode(amp.Command):
    """Fails with the code, description and fatality that its arguments say."""

    arguments = [(b"code", amp.String()), (b"description", amp.Unicode()), (b"fatal", amp.Boolean())]


class Tell(amp.Command):
    """Wants no answer: the server remembers the text for this connection."""

    arguments = [(b"text", amp.Unicode())]
    requiresAnswer = False


class Told(amp.Command):
    """The texts of Tell so far."""

    response = [(b"texts", amp.ListOf(amp.Unicode()))]


class Hold(amp.Command):
    """Is answered with its number, but only when a Release comes on the same connection."""

    arguments = [(b"number", amp.Integer())]
    response = [(b"number", amp.Integer())]


class Release(amp.Command):
    """Answers every Hold, the newest first, and then itself with how many there were."""

    response = [(b"count", amp.Integer())]


class Double(amp.Command):
    """Twice the number; both sides call it on each other."""

    arguments = [(b"number", amp.Integer())]
    response = [(b"number", amp.Integer())]


class DoubleAll(amp.Command):
    """
    The server calls Double on its caller for 1, 2, ..., `count`, all at the same time, and answers
    with the sum of the answers.
    """

    arguments = [(b"count", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Bounce(amp.Command):
    """
    With `left` above 0 the server calls Bounce on its caller with one less and answers one more
    than what comes back; with 0 it answers 0. So `depth` is the first `left`.
    """

    arguments = [(b"left", amp.Integer())]
    response = [(b"depth", amp.Integer())]


class AskFor(amp.Command):
    """
    The server calls Lookup on its caller with `text` and answers with what became of it:
    `found`, or the error's code, a space, and its description.
    """

    arguments = [(b"text", amp.Unicode())]
    response = [(b"outcome", amp.Unicode())]
