"""StartTLS."""

from twisted.internet.ssl import CertificateOptions, TLSVersion, optionsForClientTLS
from twisted.protocols import amp

from support import contract
from support.checks import equal
from support.raw import request

from .trial import CHECKS


def client_context(trial, host="localhost"):
    return optionsForClientTLS(host, trustRoot=trial.authority.certificate)


async def secured(trial):
    """A raw connection that has gone through StartTLS."""
    peer = await trial.raw(secured=True)
    peer.write(request("StartTLS", tag="tls"))
    equal(await peer.answer("tls"), {}, "fields of the answer")
    assert not peer.received, f"plain text behind the answer: {bytes(peer.received)!r}"
    await peer.start_tls(client_context(trial))
    return peer


@CHECKS.add("tls", "without a certificate StartTLS is TLS_ERROR and plain text goes on")
async def refused(trial):
    peer = await trial.raw()
    peer.write(request("StartTLS", tag="t") + request("Ping", {"n": "3"}, "p"))
    await peer.error("t", "TLS_ERROR")
    equal(await peer.answer("p"), {b"n": b"3"}, "answer")
    await peer.usable()


@CHECKS.add("tls", "the answer has no fields, the certificate is good for localhost, all later boxes are secret")
async def accepted(trial):
    peer = await secured(trial)
    await peer.usable()
    version = peer.transport.getHandle().get_protocol_version_name()
    assert version in ("TLSv1.2", "TLSv1.3"), f"the version is {version}"
    peer.write(b"".join(request("Ping", {"n": str(n)}, str(n)) for n in range(100)))
    for n in range(100):
        equal(await peer.answer(str(n)), {b"n": b"%d" % n}, "answer")


@CHECKS.add("tls", "the certificate is good for 127.0.0.1 too")
async def by_address(trial):
    peer = await trial.raw(secured=True)
    peer.write(request("StartTLS", tag="tls"))
    await peer.answer("tls")
    await peer.start_tls(client_context(trial, "127.0.0.1"))
    await peer.usable()


@CHECKS.add("tls", "Twisted's own client starts TLS and calls")
async def twisted_client(trial):
    peer = await trial.amp(secured=True)
    peer.callRemote(contract.Notify, text="before")
    await peer.callRemote(amp.StartTLS, tls_verifyAuthorities=[trial.authority.certificate])
    equal(await peer.callRemote(contract.Sum, a=1, b=2), {"total": 3}, "sum")
    equal(await peer.callRemote(contract.CallMe, times=5), {"total": 15}, "total")
    equal(await peer.callRemote(contract.BigEcho, data=b"q" * 65535), {"data": b"q" * 65535}, "data")
    equal(await peer.callRemote(contract.Notified), {"texts": ["before"]}, "texts")


@CHECKS.add("tls", "an answer that was under way comes through TLS")
async def answer_under_way(trial):
    peer = await trial.raw(secured=True)
    peer.write(request("CallMe", {"times": "1"}, "c"))
    ping = await peer.box()
    peer.write(request("StartTLS", tag="tls"))
    await peer.answer("tls")
    await peer.start_tls(client_context(trial))
    peer.write(b"\0\x07_answer" + len(ping[b"_ask"]).to_bytes(2, "big") + ping[b"_ask"] + b"\0\x01n\0\x019\0\0")
    equal(await peer.answer("c"), {b"total": b"9"}, "answer")


@CHECKS.add("tls", "plain text behind the request is never carried out")
async def injection(trial):
    whole = request("Notify", {"text": "injected"}) + request("Ping", {"n": "666"}, "evil")
    half = request("Notify", {"text": "injected"})
    for injected in [whole, half[:20], half[:-1], b"\0"]:
        peer = await trial.raw(secured=True)
        peer.write(request("StartTLS", tag="tls") + injected)
        # The server may close with a reset, which may take its answer away.
        try:
            await peer.answer("tls")
            await peer.start_tls(client_context(trial))
            if len(injected) < len(whole):
                peer.write(half[len(injected):])
            peer.write(request("Notified", tag="n"))
            box = await peer.box()
        except Exception:
            if not peer.ended:
                raise
            box = None
        assert b"666" not in peer.received, "the injected Ping was answered in plain text"
        if box is not None:
            equal(box.get(b"_answer"), b"n", "the first answer's tag")
            equal(box.get(b"texts"), b"", "texts")


@CHECKS.add("tls", "plain text instead of a handshake ends that connection")
async def no_handshake(trial):
    peer = await trial.raw(secured=True)
    peer.write(request("StartTLS", tag="tls"))
    await peer.answer("tls")
    peer.write(request("Ping", {"n": "5"}, "p") * 20)
    await peer.end()
    assert b"_answer" not in peer.received, f"answered in plain text: {bytes(peer.received[:100])!r}"


@CHECKS.add("tls", "a client that speaks only TLS 1.1 is turned away")
async def too_old(trial):
    peer = await trial.raw(secured=True)
    peer.write(request("StartTLS", tag="tls"))
    await peer.answer("tls")

    class OldOptions(CertificateOptions):
        def _makeContext(self):
            context = super()._makeContext()
            # OpenSSL itself speaks versions this old only at its lowest level.
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
            return context

    options = OldOptions(insecurelyLowerMinimumTo=TLSVersion.TLSv1_0, lowerMaximumSecurityTo=TLSVersion.TLSv1_1)
    try:
        await peer.start_tls(options)
    except Exception:
        if not peer.ended:
            raise
        return
    raise AssertionError("the handshake succeeded")


@CHECKS.add("tls", "a handshake that breaks off disturbs nobody")
async def broken_off(trial):
    for data in [b"\x16\x03\x01\x02\x00\x01\x00", b""]:
        peer = await trial.raw(secured=True)
        peer.write(request("StartTLS", tag="tls"))
        await peer.answer("tls")
        peer.write(data)
        peer.half_close()
        await peer.end()
    await (await trial.raw(secured=True)).usable()


@CHECKS.add("tls", "errors that close do so through TLS")
async def closes(trial):
    peer = await secured(trial)
    peer.write(request("Ping", {"n": "1"}, "p") + request("Fail", {"kind": "fatal"}, "f"))
    equal(await peer.answer("p"), {b"n": b"1"}, "answer")
    await peer.error("f", "FATAL")
    await peer.closed()


@CHECKS.add("tls", "a switch after TLS stays secret")
async def switch_behind(trial):
    peer = await secured(trial)
    peer.write(request("Switch", {"name": "echo"}, "s") + b"hello\n")
    equal(await peer.answer("s"), {}, "fields")
    equal(await peer.line(), b"echo:hello", "line")
