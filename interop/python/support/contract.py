"""The commands of COMMANDS.md as Twisted classes."""

from twisted.protocols import amp


class ZeroDivision(Exception):
    pass


class Declared(Exception):
    pass


class Fatal(Exception):
    pass


class PingFailed(Exception):
    pass


class TLSRefused(Exception):
    pass


class NoSuchProtocol(Exception):
    pass


class Sum(amp.Command):
    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Divide(amp.Command):
    arguments = [(b"numerator", amp.Integer()), (b"denominator", amp.Integer())]
    response = [(b"result", amp.Float())]
    errors = {ZeroDivision: b"ZERO_DIVISION"}


def _every_type():
    return [
        (b"i", amp.Integer()),
        (b"s", amp.String()),
        (b"u", amp.Unicode()),
        (b"x", amp.Float()),
        (b"b", amp.Boolean()),
        (b"d", amp.Decimal()),
        (b"t", amp.DateTime()),
        (b"l", amp.ListOf(amp.Integer())),
        (b"m", amp.AmpList([(b"k", amp.Unicode()), (b"v", amp.Integer(optional=True))])),
        (b"oi", amp.Integer(optional=True)),
        (b"os", amp.String(optional=True)),
        (b"ou", amp.Unicode(optional=True)),
        (b"ox", amp.Float(optional=True)),
        (b"ob", amp.Boolean(optional=True)),
        (b"od", amp.Decimal(optional=True)),
        (b"ot", amp.DateTime(optional=True)),
        (b"ol", amp.ListOf(amp.ListOf(amp.Unicode()), optional=True)),
        (
            b"om",
            amp.AmpList(
                [
                    (b"r", amp.ListOf(amp.Float())),
                    (b"s", amp.AmpList([(b"n", amp.Integer())])),
                ],
                optional=True,
            ),
        ),
        (b"op", amp.Path(optional=True)),
        (b"class", amp.Unicode(optional=True)),
        (b"opt-text", amp.Unicode(optional=True)),
    ]


class EchoTypes(amp.Command):
    arguments = _every_type()
    response = _every_type()


class Delay(amp.Command):
    arguments = [(b"seconds", amp.Float())]


class Fail(amp.Command):
    arguments = [(b"kind", amp.Unicode()), (b"message", amp.Unicode(optional=True))]
    errors = {Declared: b"DECLARED"}
    fatalErrors = {Fatal: b"FATAL"}


class Notify(amp.Command):
    arguments = [(b"text", amp.Unicode())]
    requiresAnswer = False


class Notified(amp.Command):
    response = [(b"texts", amp.ListOf(amp.Unicode()))]


class CallMe(amp.Command):
    arguments = [(b"times", amp.Integer())]
    response = [(b"total", amp.Integer())]
    errors = {PingFailed: b"PING_FAILED"}


class Ping(amp.Command):
    arguments = [(b"n", amp.Integer())]
    response = [(b"n", amp.Integer())]


class BigEcho(amp.Command):
    arguments = [(b"data", amp.String())]
    response = [(b"data", amp.String())]


class StartTLS(amp.StartTLS):
    commandName = b"StartTLS"
    errors = {TLSRefused: b"TLS_ERROR"}


class Switch(amp.ProtocolSwitchCommand):
    arguments = [(b"name", amp.Unicode())]
    errors = {NoSuchProtocol: b"NO_SUCH_PROTOCOL"}


# Those that are called like any other; StartTLS and Switch change the connection.
PLAIN_COMMANDS = {
    command.__name__: command
    for command in [
        Sum, Divide, EchoTypes, Delay, Fail, Notify, Notified, CallMe, Ping, BigEcho,
    ]
}


def identifier(wire_name):
    """The name under which Twisted hands a field to Python code."""
    name = wire_name.decode("ascii").replace("-", "_")
    return name.title() if name in amp.PYTHON_KEYWORDS else name
