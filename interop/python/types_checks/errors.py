"""Every kind of error, as Twisted's own exceptions."""

from twisted.protocols import amp

from support import type_commands as commands
from support.checks import equal

from .trial import CHECKS, failure_of


def same(error, kind, *arguments):
    equal((type(error).__name__, error.args), (kind.__name__, arguments), "error")


class Nobody(amp.Command):
    arguments = [(b"text", amp.Unicode())]


@CHECKS.add("errors", "a declared error, and none")
async def declared(trial):
    peer = await trial.peer()
    equal(await peer.callRemote(commands.Lookup, text=""), {}, "answer")
    for text in ["it is not", "wörds \u2603"]:
        same(await failure_of(peer.callRemote(commands.Lookup, text=text)), commands.NotThere, text)
    await trial.usable(peer)


@CHECKS.add("errors", "inherited errors, added ones, and a kind of a declared one")
async def inherited(trial):
    peer = await trial.peer()
    for kind, error in [("not there", commands.NotThere), ("not there yet", commands.NotThere),
                        ("not yours", commands.NotYours)]:
        same(await failure_of(peer.callRemote(commands.LookupOwned, kind=kind)), error, kind)
    equal(await peer.callRemote(commands.LookupOwned, kind="mine"), {}, "answer")


@CHECKS.add("errors", "a fatal error, then the end")
async def fatal(trial):
    peer = await trial.peer()
    same(await failure_of(peer.callRemote(commands.Break, text="in two")), commands.Broken, "in two")
    await peer.lost


@CHECKS.add("errors", "an undeclared error is UNKNOWN and tells nothing")
async def undeclared(trial):
    peer = await trial.peer()
    error = await failure_of(peer.callRemote(commands.Crash, text="the secret word"))
    equal(type(error), amp.UnknownRemoteError, "error")
    equal(error.errorCode, b"UNKNOWN", "code")
    assert "secret" not in str(error), f"the error tells: {error}"
    await trial.ends(peer)


@CHECKS.add("errors", "a command that declares every exception")
async def catch_all(trial):
    peer = await trial.peer()
    error = await failure_of(peer.callRemote(commands.CatchAll, text="whatever"))
    equal((type(error), error.args), (Exception, ("whatever",)), "error")
    await trial.usable(peer)


@CHECKS.add("errors", "codes of one's own, fatal or not")
async def own_codes(trial):
    peer = await trial.peer()
    for code in [b"OWN", b"two words", b"\xff\0"]:
        box = await failure_of(peer.callRemoteString(
            b"OwnCode", code=code, description="wörds".encode(), fatal=b"False"))
        equal((type(box), box.errorCode, box.description), (amp.RemoteAmpError, code, "wörds"), "error")
    await trial.usable(peer)
    box = await failure_of(peer.callRemoteString(b"OwnCode", code=b"END", description=b"", fatal=b"True"))
    equal((box.errorCode, box.description), (b"END", ""), "error")
    await peer.lost


@CHECKS.add("errors", "a command that nobody serves")
async def unhandled(trial):
    peer = await trial.peer()
    error = await failure_of(peer.callRemote(Nobody, text="x"))
    equal((type(error), error.args[0]), (amp.UnhandledCommand, b"UNHANDLED"), "error")
    await trial.usable(peer)


@CHECKS.add("errors", "a missing argument is UNKNOWN")
async def missing(trial):
    peer = await trial.peer()
    error = await failure_of(peer.callRemoteString(b"Double"))
    equal(error.errorCode, b"UNKNOWN", "code")
    await trial.ends(peer)


@CHECKS.add("errors", "a value that is too long is refused here and the connection goes on")
async def too_long(trial):
    peer = await trial.peer()
    try:
        error = await failure_of(peer.callRemote(commands.ECHO["String"], value=b"x" * 65536))
    except amp.TooLong as raised:
        error = raised
    equal(type(error), amp.TooLong, "error")
    await trial.usable(peer)
