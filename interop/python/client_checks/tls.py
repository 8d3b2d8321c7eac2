"""StartTLS from the client's side."""

from support.checks import equal
from support.raw import answer, error, request

from .trial import CHECKS


@CHECKS.add("tls", "StartTLS, then everything as before")
async def started(trial):
    client = trial.reference(trial.authority.server().pair)
    await client.succeeds(client.send("Notify", text="before"), {})
    await client.succeeds(client.begin(starttls=True), {})
    await client.succeeds(client.call("Sum", a="1", b="2"), {"total": "3"})
    await client.succeeds(client.call("CallMe", times="10"), {"total": "55"})
    await client.succeeds(client.call("BigEcho", data="a5" * 65535), {"data": "a5" * 65535})
    await client.succeeds(client.call("Notified"), {"texts": ["before"]})
    await client.fails_with(client.call("Divide", numerator="1", denominator="0"),
                            "declared", "ZERO_DIVISION", "division by zero")


@CHECKS.add("tls", "the request has no fields, and calls behind it wait for TLS")
async def held_back(trial):
    client, peer = await trial.raw()
    start = client.begin(starttls=True)
    order = client.call("Ping", n="1")
    asked = await peer.box()
    equal((sorted(asked), asked[b"_command"]), ([b"_ask", b"_command"], b"StartTLS"), "request")
    peer.write(answer(asked[b"_ask"]))
    await peer.start_tls(trial.authority.server().pair.options())
    await client.succeeds(start, {})
    box = await peer.box()
    equal((box.get(b"_command"), box.get(b"n")), (b"Ping", b"1"), "the first box through TLS")
    peer.write(answer(box[b"_ask"], {"n": "1"}))
    await client.succeeds(order, {"n": "1"})
    version = peer.transport.getHandle().get_protocol_version_name()
    assert version in ("TLSv1.2", "TLSv1.3"), f"the version is {version}"


@CHECKS.add("tls", "a call under way before StartTLS is answered through TLS")
async def under_way(trial):
    client, peer = await trial.raw()
    order, start = client.call("Ping", n="1"), client.begin(starttls=True)
    earlier, asked = await peer.boxes(2)
    peer.write(answer(asked[b"_ask"]))
    await peer.start_tls(trial.authority.server().pair.options())
    peer.write(answer(earlier[b"_ask"], {"n": "1"}))
    await client.succeeds(start, {})
    await client.succeeds(order, {"n": "1"})


@CHECKS.add("tls", "a refused StartTLS is TLS_ERROR; plain text goes on")
async def refused(trial):
    client = trial.reference()
    start = client.begin(starttls=True)
    orders = [client.call("Ping", n=str(n)) for n in range(5)]
    await client.fails_with(start, "declared", "TLS_ERROR", "this server has no certificate")
    for n, order in enumerate(orders):
        # What waited for TLS may have been meant for TLS alone: the contract leaves open whether it goes on.
        found = await client.result(order)
        assert found == {"n": str(n)} or found[0] == "local", f"found {found!r}"
    await client.succeeds(client.call("CallMe", times="3"), {"total": "6"})


@CHECKS.add("tls", "other errors for StartTLS")
async def other_refusals(trial):
    client, peer = await trial.raw()
    for code, kind in [("UNHANDLED", "unhandled"), ("UNKNOWN", "unknown"), ("OWN", "unknown")]:
        start = client.begin(starttls=True)
        peer.write(error((await peer.box())[b"_ask"], code, "no"))
        await client.fails_with(start, kind, code, "no")
        await client.lives(peer)


async def is_not_trusted(trial, certificate):
    client = trial.reference(certificate.pair)
    start = client.begin(starttls=True)
    found = await client.result(start)
    assert isinstance(found, tuple), f"StartTLS succeeded: {found!r}"
    await client.fails(client.call("Ping", n="1"), "lost")


@CHECKS.add("tls", "a certificate of another authority is not trusted")
async def other_authority(trial):
    await is_not_trusted(trial, trial.other_authority.server())


@CHECKS.add("tls", "a certificate for another name is not trusted")
async def other_name(trial):
    await is_not_trusted(trial, trial.authority.server("example.org"))


@CHECKS.add("tls", "a certificate that has expired is not trusted")
async def expired(trial):
    await is_not_trusted(trial, trial.authority.server(expired=True))


@CHECKS.add("tls", "plain text behind the answer to StartTLS is never believed")
async def injection(trial):
    for cut in [None, 12, -1]:
        client, peer = await trial.raw()
        order, start = client.call("Ping", n="1"), client.begin(starttls=True)
        earlier, asked = await peer.boxes(2)
        injected = answer(earlier[b"_ask"], {"n": "666"})
        peer.write(answer(asked[b"_ask"]) + injected[:cut] + (request("Ping", {"n": "5"}, "evil") if cut is None else b""))
        try:
            await peer.start_tls(trial.authority.server().pair.options())
            peer.write(b"" if cut is None else injected[cut:])
            peer.write(answer(earlier[b"_ask"], {"n": "7"}))
        except Exception:
            if not peer.ended:
                raise
        found = await client.result(order)
        assert found in [("lost", None, None), {"n": "7"}], f"the call ended in {found!r}"
        await client.result(start)
        assert b"evil" not in peer.received, "the injected Ping was answered"


@CHECKS.add("tls", "an end in the middle of the handshake is no success")
async def broken_off(trial):
    client, peer = await trial.raw()
    start, order = client.begin(starttls=True), client.call("Ping", n="1")
    peer.write(answer((await peer.box())[b"_ask"]))
    peer.close()
    await client.fails(start, "lost")
    await client.fails(order, "lost")
    await client.succeeds(client.begin(wait_closed=True), {})


@CHECKS.add("tls", "a switch behind TLS")
async def switch_behind(trial):
    client = trial.reference(trial.authority.server().pair)
    await client.succeeds(client.begin(starttls=True), {})
    await client.succeeds(client.begin(switch="echo"), {})
    await client.succeeds(client.begin(line="secret"), {"line": "echo:secret"})
