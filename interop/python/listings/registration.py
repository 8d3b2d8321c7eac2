"""The guide's command. In Python 3 the names of arguments, responses and codes are bytes."""

from twisted.protocols.amp import Command, Integer, String, Unicode


class UsernameUnavailable(Exception):
    pass


class RegisterUser(Command):
    arguments = [(b"username", Unicode()), (b"publickey", String())]

    response = [(b"uid", Integer())]

    errors = {UsernameUnavailable: b"username-unavailable"}
