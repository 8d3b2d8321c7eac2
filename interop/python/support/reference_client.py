"""The calling side of the contract, on real Twisted."""

import json

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.protocols import amp
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

from . import contract
from .guarded import GuardedAMP
from .notation import BadValue, fields_from_json, fields_to_json

# Results may be written long after their line was read: one input line may be this long.
LONGEST_LINE = 1 << 28


class ClientCredentials:
    """Takes the place of a certificate in Twisted's StartTLS: trusts one authority, sends nothing."""

    def __init__(self, authority_file):
        authority = None
        if authority_file is not None:
            with open(authority_file) as pem:
                authority = Certificate.loadPEM(pem.read())
        self._authority = authority

    def options(self, *authorities):
        return optionsForClientTLS("localhost", trustRoot=self._authority)


@implementer(IHandshakeListener)
class ReferenceClient(GuardedAMP):
    """The connection of `interop_client`; it serves Ping."""

    def __init__(self):
        super().__init__()
        self.on_handshake = None
        self.on_lost = None

    @contract.Ping.responder
    def ping(self, n):
        return {"n": n}

    def handshakeCompleted(self):
        if self.on_handshake is not None:
            self.on_handshake()

    def connectionLost(self, reason):
        super().connectionLost(reason)
        if self.on_lost is not None:
            self.on_lost()


class Lines(Protocol):
    """The line protocol behind a switch: each line sent waits for one line back."""

    def __init__(self):
        self._rest = b""
        self._waiting = []

    def ask(self, line, done):
        self._waiting.append(done)
        self.transport.write(line + b"\n")

    def dataReceived(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._waiting:
                self._waiting.pop(0)(line)


class Driver(LineReceiver):
    """Reads orders from standard input and writes results to standard output."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_LINE

    def __init__(self, connection, credentials, on_end):
        self._connection = connection
        self._credentials = credentials
        self._on_end = on_end
        self._lines = None
        self._connected = True
        self._under_way = {}
        self._waiting_for_close = []
        connection.on_lost = self._connection_lost

    # Orders

    def lineReceived(self, line):
        try:
            order = json.loads(line)
            if not isinstance(order, dict):
                raise BadValue("an order is a JSON object")
        except ValueError as error:
            self._write({"id": None, "error": _local(f"not JSON: {error}")})
            return
        except BadValue as error:
            self._write({"id": None, "error": _local(str(error))})
            return
        # A key of our own, because an order's id need not be unique or hashable.
        key = object()
        self._under_way[key] = order.get("id")
        try:
            self._begin(key, order)
        except (BadValue, amp.AmpError, amp.ProtocolSwitched) as error:
            self._fail(key, _local(repr(error)))

    def _begin(self, key, order):
        if "wait_closed" in order:
            if self._connected:
                self._waiting_for_close.append(key)
            else:
                self._succeed(key, {})
        elif not self._connected:
            self._fail(key, _lost())
        elif "call" in order:
            self._call(key, order["call"], order.get("args", {}))
        elif "send" in order:
            self._send(key, order["send"], order.get("args", {}))
        elif "starttls" in order:
            self._start_tls(key)
        elif "switch" in order:
            self._switch(key, order["switch"])
        elif "line" in order:
            self._line(key, order["line"])
        else:
            raise BadValue("none of call, send, starttls, switch, line, wait_closed")

    def _call(self, key, name, arguments):
        command, box = self._encoded(name, arguments)

        def answered(answer):
            try:
                fields = command.parseResponse(answer, self._connection)
            except Exception as error:
                self._fail(key, {"kind": "bad_answer", "description": repr(error)})
            else:
                self._succeed(key, fields_to_json(command.response, fields))

        call = self._connection.callRemoteString(command.commandName, **box)
        call.addCallbacks(answered, self._refused, errbackArgs=(key, command))

    def _send(self, key, name, arguments):
        command, box = self._encoded(name, arguments)
        self._connection.callRemoteString(command.commandName, requiresAnswer=False, **box)
        self._succeed(key, {})

    def _encoded(self, name, arguments):
        command = contract.PLAIN_COMMANDS.get(name)
        if command is None:
            raise BadValue(f"no command {name!r}")
        objects = fields_from_json(command.arguments, arguments)
        box = command.makeArguments(objects, self._connection)
        return command, {wire_name.decode("ascii"): value for wire_name, value in box.items()}

    def _start_tls(self, key):
        connection = self._connection

        def accepted(_answer):
            connection.on_handshake = lambda: self._succeed(key, {})
            connection._startTLS(self._credentials, None)

        def refused(failure):
            connection.resumePlainText()
            self._refused(failure, key, contract.StartTLS)

        # What amp.StartTLS does, except that the code of an error is not lost on the way.
        call = connection.callRemoteString(b"StartTLS")
        connection._prepareTLS(self._credentials, None)
        call.addCallbacks(accepted, refused)

    def _switch(self, key, name):
        connection = self._connection

        def accepted(_answer):
            self._lines = Lines()
            self._succeed(key, {})
            connection._switchTo(self._lines)

        def refused(failure):
            connection._unlockFromSwitch()
            self._refused(failure, key, contract.Switch)

        # What amp.ProtocolSwitchCommand does, with the code of an error kept.
        call = connection.callRemoteString(b"Switch", name=name.encode("utf-8"))
        connection._lockForSwitch()
        call.addCallbacks(accepted, refused)

    def _line(self, key, text):
        if self._lines is None:
            raise BadValue("a line is possible only after a switch")

        def came_back(line):
            self._succeed(key, {"line": line.decode("utf-8", "replace")})

        self._lines.ask(text.encode("utf-8"), came_back)

    # Results

    def _refused(self, failure, key, command):
        error = failure.value
        if isinstance(error, amp.UnhandledCommand):
            code, description = error.args
            self._fail(key, _remote("unhandled", code, description))
        elif isinstance(error, amp.RemoteAmpError):
            kind = "declared" if error.errorCode in command.reverseErrors else "unknown"
            self._fail(key, _remote(kind, error.errorCode, error.description))
        else:
            self._fail(key, _lost())

    def _succeed(self, key, fields):
        self._finish(key, {"ok": fields})

    def _fail(self, key, error):
        self._finish(key, {"error": error})

    def _finish(self, key, outcome):
        if key in self._under_way:
            self._write({"id": self._under_way.pop(key), **outcome})

    def _write(self, result):
        self.transport.write(json.dumps(result).encode("ascii") + b"\n")

    # Ends

    def _connection_lost(self):
        self._connected = False
        waiting, self._waiting_for_close = self._waiting_for_close, []
        for key in waiting:
            self._succeed(key, {})
        # Twisted forgets a call whose error box is incomplete, so this does not rely on its errbacks.
        for key in list(self._under_way):
            self._fail(key, _lost())

    def connectionLost(self, reason):
        if self._connected:
            earlier = self._connection.on_lost

            def lost():
                earlier()
                self._on_end()

            self._connection.on_lost = lost
            self._connection.transport.loseConnection()
        else:
            self._on_end()


def _local(description):
    return {"kind": "local", "description": description}


def _lost():
    return {"kind": "lost", "description": "the connection ended first"}


def _remote(kind, code, description):
    return {"kind": kind, "code": code.decode("latin-1"), "description": description}
