"""Redis as far as the protocol uses it: streams with groups, hashes, expiry as a mark.

Checked against redis-server 7.0.15: XDEL leaves the pending entry; XREADGROUP of history raises the
delivery count; an emptied stream keeps its key; DELCONSUMER drops pending entries and leaves ghosts.
"""

import pickle
from typing import NamedTuple

RUNS = "p:runs"  # lists incarnation -> run
KEYS = ("tasks", "results", "spec", "state", "workers", "seen", "seen_before")  # of one incarnation


def key(incarnation, name):
    return f"p:{incarnation}:{name}"


def keys(incarnation):
    return [key(incarnation, name) for name in KEYS]


def only_looks(command):
    """Marks a command whose reply may be lost without harm."""
    command.only_looks = True
    return command


class Task(NamedTuple):
    run: str
    image: int
    attempt: int
    charged: int  # deliveries charged under earlier entries (H9)

    @property
    def photo(self):
        return self[:3]


class Spec(NamedTuple):
    run: str
    settings: int


class Result(NamedTuple):
    run: str
    image: int
    attempt: int
    outcome: str
    reason: str | None
    worker: str
    content: int | None = None  # of the photo that was computed
    settings: int = 0  # by which
    copied: bool = False  # from another photo with the same content


class Broken(NamedTuple):
    """A result of which only the photo can be read."""

    run: str
    image: int
    attempt: int


class NoGroup(Exception):
    """NOGROUP, or a script's RUNGONE."""


class OutOfMemory(Exception):
    """A refused write; the connection is well."""


class Stream:
    def __init__(self):
        self.entries = {}  # id -> payload, in order of id
        self.last_id = 0
        self.groups = {}


class Group:
    def __init__(self):
        self.last_delivered = 0
        self.pending = {}  # id -> [owner, count]
        self.consumers = set()


class Redis:
    def __init__(self, ids_by_clock):
        self.data = {}
        self.expiring = set()  # keys that go by themselves some day
        self.epoch = 0  # rises when connections break
        self.run_id = 0
        self.down_until = 0
        self.ids_by_clock = ids_by_clock
        self.world = None
        self.short_until = 0  # of memory; and for as long as anything is remembered in `seen`
        self.short = False
        self.dirty = False  # the script has written: then the rest of it is not refused
        self.born = {}  # (key, id) -> when
        self.longest = {}  # key -> greatest XLEN seen

    # ---- memory

    def write(self, needs_memory=True):
        if needs_memory and self.short and not self.dirty:
            if self.world.now < self.short_until or self.remembers():
                raise OutOfMemory
            self.short = False
        self.dirty = True

    def remembers(self):
        return any(name.endswith((":seen", ":seen_before")) for name in self.data)

    # ---- streams

    @only_looks
    def xlen(self, name):
        stream = self.data.get(name)
        return len(stream.entries) if stream else 0

    def xadd(self, name, payload, nomkstream):
        stream = self.data.get(name)
        if stream is None:
            if nomkstream:
                return None
            self.write()
            stream = self.data[name] = Stream()
        self.write()
        entry = stream.last_id + 1
        if self.ids_by_clock:
            entry = max(entry, self.world.now * 64)
        stream.last_id = entry
        stream.entries[entry] = payload
        self.born[name, entry] = self.world.now
        self.longest[name] = max(len(stream.entries), self.longest.get(name, 0))
        return entry

    def xdel(self, name, ids):
        self.write(needs_memory=False)
        stream = self.data.get(name)
        if stream:
            for entry in ids:
                stream.entries.pop(entry, None)

    def xgroup_create(self, name, group):
        self.write()
        stream = self.data.get(name)
        if stream is None:
            stream = self.data[name] = Stream()
        stream.groups.setdefault(group, Group())

    def make_stream(self, name):
        self.data.setdefault(name, Stream())

    def group(self, name, group):
        """The stream and its group; NoGroup where one of them is missing."""
        stream = self.data.get(name)
        if stream is None or group not in stream.groups:
            raise NoGroup
        return stream, stream.groups[group]

    def xreadgroup(self, name, group, consumer, count):
        stream, of = self.group(name, group)
        of.consumers.add(consumer)
        out = []
        for entry, payload in stream.entries.items():
            if entry <= of.last_delivered:
                continue
            of.last_delivered = entry
            of.pending[entry] = [consumer, 1]
            out.append((entry, payload))
            if len(out) >= count:
                break
        return out

    def xack(self, name, group, ids):
        stream = self.data.get(name)
        if stream and group in stream.groups:
            for entry in ids:
                stream.groups[group].pending.pop(entry, None)

    def xpending(self, name, group):
        """(id, owner, count) in order of id."""
        _, of = self.group(name, group)
        return [(entry, owner, count) for entry, (owner, count) in sorted(of.pending.items())]

    def xclaim(self, name, group, consumer, entry):
        _, of = self.group(name, group)
        self.write(needs_memory=False)
        of.consumers.add(consumer)
        of.pending[entry] = [consumer, of.pending[entry][1] + 1]

    # ---- hashes and keys

    def exists(self, name):
        return name in self.data

    def hset(self, name, field, value):
        self.write()
        self.data.setdefault(name, {})[field] = value

    @only_looks
    def hgetall(self, name):
        return dict(self.data.get(name) or {})

    def hdel(self, name, *hash_fields):
        fields_of = self.data.get(name)
        if fields_of is None:
            return
        for field in hash_fields:
            fields_of.pop(field, None)
        if not fields_of:
            self.unlink([name])

    def unlink(self, names):
        for name in names:
            self.data.pop(name, None)
            self.expiring.discard(name)

    def expire(self, names):
        self.expiring.update(name for name in names if name in self.data)

    def hget(self, name, field):
        return self.data.get(name, {}).get(field)

    def rename(self, name, other):
        self.data[other] = self.data.pop(name)
        if name in self.expiring:
            self.expiring.discard(name)
            self.expiring.add(other)

    # ---- what happens to servers

    def flush(self):
        self.data, self.expiring = {}, set()

    def snapshot(self):
        return pickle.dumps((self.data, self.expiring), -1)

    def load(self, snapshot):
        self.data, self.expiring = pickle.loads(snapshot)
