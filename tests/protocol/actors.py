"""Processes and their coroutines, and what may happen to a command between them and Redis.

A coroutine is a generator. Each `yield` is a boundary at which anything else may happen; the number
it yields, if any, is how long it sleeps.
"""

from .redis_model import OutOfMemory


class ConnLost(Exception):
    """The connection broke: whether the command was executed, nobody knows."""


class Coroutine:
    __slots__ = ("generator", "process", "name", "wake", "epoch", "run_id", "armed", "in_flight")

    def __init__(self, process, name):
        self.process = process
        self.name = name
        self.generator = None
        self.wake = 0
        self.epoch = -1  # of its connection; -1: none
        self.run_id = None  # of the server, as last seen
        self.armed = None  # what happens to its next command that matters: before, after or late
        self.in_flight = None  # (command, arguments) sent and not yet executed


class Process:
    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.alive = True
        self.paused_until = 0
        self.cut_until = 0  # cannot reach Redis
        self.coroutines = []

    def start(self, name, body):
        coroutine = Coroutine(self, f"{self.name}/{name}")
        coroutine.generator = body(coroutine)
        coroutine.wake = self.world.now
        self.coroutines.append(coroutine)
        self.world.coroutines.append(coroutine)

    def wake(self, name):
        """Ends the sleep of one of its coroutines."""
        for coroutine in self.coroutines:
            if coroutine.name == f"{self.name}/{name}":
                coroutine.wake = min(coroutine.wake, self.world.now)


def call(co, what, command, *arguments):
    """One command, MULTI or script: a boundary, its execution at the server, a boundary, the reply.

    A fault of the connection waits for a command that changes something. Raises ConnLost, or, as the
    server's answers, NoGroup and OutOfMemory.
    """
    world = co.process.world
    redis = world.redis
    co.in_flight = (command, arguments)
    yield
    co.in_flight = None
    fault = None if getattr(command, "only_looks", False) else co.armed
    if world.now < redis.down_until or world.now < co.process.cut_until:
        co.epoch = -1
        yield world.rng.randint(5, 25)
        raise ConnLost
    if co.epoch != redis.epoch:
        _lose(co)
    if fault:
        co.armed = None
    if fault == "before":
        _lose(co, f"connection lost BEFORE {what}")
    if fault == "late":
        world.execute_later(world.rng.randint(1, 300), command, arguments, what)
        _lose(co, f"connection lost, {what} will be executed later")
    epoch = redis.epoch
    redis.dirty = False
    try:
        reply = command(redis, *arguments)
    except OutOfMemory:
        yield world.rng.randint(5, 25)  # every caller backs off
        raise
    yield
    if fault == "after" and reply in (0, []):  # nothing happened: the next time
        co.armed = fault
    elif fault == "after":
        _lose(co, f"{what} EXECUTED, reply lost")
    if redis.epoch != epoch:
        _lose(co)
    return reply


def _lose(co, why=None):
    co.epoch = -1
    if why:
        co.process.world.log(f"{co.name}: {why}")
    raise ConnLost


def reconnect(co):
    """Waits for the server. True when its run_id is not the one that this connection knew."""
    world = co.process.world
    redis = world.redis
    while True:
        yield
        if world.now < redis.down_until or world.now < co.process.cut_until:
            yield world.rng.randint(5, 25)
            continue
        co.epoch = redis.epoch
        other = co.run_id is not None and co.run_id != redis.run_id
        co.run_id = redis.run_id
        return other
