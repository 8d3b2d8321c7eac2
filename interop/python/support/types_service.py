"""One connection of types_peer.py, which serves every command of type_commands."""

from twisted.internet.defer import Deferred
from twisted.protocols import amp

from . import type_commands as commands


class TypesService(amp.AMP):
    def __init__(self):
        super().__init__()
        self._told = []
        self._held = []

    def _echo(self, value):
        return {"value": value}

    for _command in [*commands.ECHO.values(), *commands.MAYBE.values()]:
        _command.responder(_echo)
    del _command

    @commands.Lookup.responder
    def lookup(self, text):
        if text:
            raise commands.NotThere(text)
        return {}

    @commands.LookupOwned.responder
    def lookup_owned(self, kind):
        errors = {
            "not there": commands.NotThere,
            "not there yet": commands.NotThereYet,
            "not yours": commands.NotYours,
        }
        if kind in errors:
            raise errors[kind](kind)
        return {}

    @commands.Break.responder
    def break_(self, text):
        raise commands.Broken(text)

    @commands.Crash.responder
    def crash(self, text):
        raise RuntimeError(text)

    @commands.CatchAll.responder
    def catch_all(self, text):
        raise LookupError(text)

    @commands.OwnCode.responder
    def own_code(self, code, description, fatal):
        raise amp.RemoteAmpError(code, description, fatal)

    @commands.Tell.responder
    def tell(self, text):
        self._told.append(text)
        return {}

    @commands.Told.responder
    def told(self):
        return {"texts": list(self._told)}

    @commands.Hold.responder
    def hold(self, number):
        held = Deferred()
        self._held.append((held, number))
        return held

    @commands.Release.responder
    def release(self):
        held, self._held = self._held, []
        for deferred, number in reversed(held):
            deferred.callback({"number": number})
        return {"count": len(held)}

    @commands.Double.responder
    def double(self, number):
        return {"number": 2 * number}

    @commands.DoubleAll.responder
    async def double_all(self, count):
        calls = [self.callRemote(commands.Double, number=n) for n in range(1, count + 1)]
        return {"total": sum([(await call)["number"] for call in calls])}

    @commands.Bounce.responder
    async def bounce(self, left):
        if left <= 0:
            return {"depth": 0}
        answer = await self.callRemote(commands.Bounce, left=left - 1)
        return {"depth": answer["depth"] + 1}

    @commands.AskFor.responder
    async def ask_for(self, text):
        try:
            await self.callRemote(commands.Lookup, text=text)
        except commands.NotThere as error:
            return {"outcome": f"NOT_THERE {error}"}
        return {"outcome": "found"}
