"""The end of the connection, and of the input."""

from support.checks import equal
from support.raw import answer

from .trial import CHECKS


@CHECKS.add("ending", "whatever is under way is `lost`, later calls too, and the program reads on")
async def lost(trial):
    for end in ["close", "reset", "half_close"]:
        client, peer = await trial.raw()
        orders = [client.call("Delay", seconds="9.0") for _ in range(20)]
        await peer.boxes(20)
        getattr(peer, end)()
        for order in orders:
            await client.fails(order, "lost")
        await client.fails(client.call("Ping", n="1"), "lost")
        await client.fails(client.send("Notify", text="x"), "lost")
        await client.succeeds(client.begin(wait_closed=True), {})
        await client.fails(client.call("Sum", a="1", b="1"), "lost")


@CHECKS.add("ending", "wait_closed waits, and holds up nothing")
async def waits(trial):
    client, peer = await trial.raw()
    first, second = client.begin(wait_closed=True), client.begin(wait_closed=True)
    await client.lives(peer)
    peer.close()
    await client.succeeds(first, {})
    await client.succeeds(second, {})
    await client.succeeds(client.begin(wait_closed=True), {})


@CHECKS.add("ending", "an answer right before the end arrives")
async def answer_then_end(trial):
    client, peer = await trial.raw()
    orders = [client.call("Ping", n="1"), client.call("Ping", n="2")]
    first, _ = await peer.boxes(2)
    peer.write(answer(first[b"_ask"], {"n": "1"}))
    peer.close()
    await client.succeeds(orders[0], {"n": "1"})
    await client.fails(orders[1], "lost")


@CHECKS.add("ending", "half an answer is none")
async def half_an_answer(trial):
    client, peer = await trial.raw()
    order = client.call("Ping", n="1")
    peer.write(answer((await peer.box())[b"_ask"], {"n": "1"})[:-1])
    peer.close()
    await client.fails(order, "lost")


@CHECKS.add("ending", "at the end of the input the connection is closed and the program exits with 0")
async def end_of_input(trial):
    client, peer = await trial.raw()
    await client.lives(peer)
    client.program.end_input()
    await peer.closed()
    equal(await client.program.exited(), 0, "exit code")


@CHECKS.add("ending", "the same while calls are under way")
async def end_of_input_busy(trial):
    client, peer = await trial.raw()
    for _ in range(5):
        client.call("Delay", seconds="3600.0")
    client.begin(wait_closed=True)
    await peer.boxes(5)
    client.program.end_input()
    await peer.closed()
    equal(await client.program.exited(), 0, "exit code")
