"""What goes wrong in the model: each fault is (when, kind, a random number that chooses the rest)."""

import random

from .redis_model import KEYS, key
from .timing import LEASE

KINDS = (
    "wcrash wpause wstop wcut scrash spause flush rewind rewind_same_id restart outage "
    "conn wconn sconn redo redo_all add keydel slowdb "
    "pause cancel settings memory garble unreadable"
).split()


def strike(world, kind, chance):
    """Lets the fault happen; it hits nobody where there is nobody to hit."""
    world.log(f"FAULT {kind}")
    _Strike(world, kind, chance).happen()


class _Strike:
    def __init__(self, world, kind, chance):
        self.world = world
        self.kind = kind
        self.chance = chance
        self.part = chance * 7919 % 1  # another number in [0, 1)
        self.duration = int(50 + self.part * 2 * LEASE)

    def happen(self):
        getattr(self, self.kind)()

    def pick(self, choice):
        return choice[int(self.chance * 997) % len(choice)] if choice else None

    def worker(self):
        return self.pick([worker for worker in self.world.slots if worker and worker.alive])

    def scheduler(self):
        return self.pick([each for each in self.world.schedulers.values() if each.alive])

    def store(self):
        stores = list(self.world.stores.values())
        return stores[int(self.chance * 131) % len(stores)]

    # ---- processes

    def wcrash(self):
        if worker := self.worker():
            self.world.kill(worker, self.kind)

    def wpause(self):
        if worker := self.worker():
            worker.paused_until = self.world.now + self.duration
            self.world.log(f"  {worker.name} for {self.duration}")

    def wstop(self):
        if worker := self.worker():
            worker.begin_stop()

    def wcut(self):
        if worker := self.worker():
            worker.cut_until = self.world.now + self.duration
            self.world.log(f"  {worker.name} for {self.duration}")

    def scrash(self):
        if scheduler := self.scheduler():
            self.world.kill(scheduler, self.kind)

    def spause(self):
        if scheduler := self.scheduler():
            scheduler.paused_until = self.world.now + self.duration

    # ---- Redis

    def flush(self):
        self.world.redis.flush()
        self.world.lossy += 1

    def rewind(self):
        if self.rewind_same_id():
            self.world.redis.run_id += 1

    def rewind_same_id(self):
        if not self.world.snapshots:
            return False
        self.world.redis.load(self.pick(self.world.snapshots))
        self.world.redis.epoch += 1
        self.world.lossy += 1
        return True

    def restart(self):
        self.world.redis.epoch += 1
        self.world.redis.run_id += 1
        self.world.redis.down_until = self.world.now + self.duration // 8

    def outage(self):
        self.world.redis.down_until = self.world.now + int(LEASE * (0.2 + self.part * 2))
        self.world.redis.epoch += 1

    def keydel(self):
        incarnation = self.store().incarnation
        if incarnation:
            lost = KEYS[int(self.chance * 7919) % len(KEYS)]
            self.world.redis.unlink([key(incarnation, lost)])
            self.world.lossy += 1

    # ---- connections

    def conn(self):
        self.break_one(self.processes("worker") + self.processes("scheduler"))

    def wconn(self):
        self.break_one(self.processes("worker"))

    def sconn(self):
        self.break_one(self.processes("scheduler"))

    def processes(self, role):
        of = self.world.slots if role == "worker" else self.world.schedulers.values()
        return [process for process in of if process and process.alive]

    def break_one(self, processes):
        coroutine = self.pick([co for process in processes for co in process.coroutines])
        if coroutine:
            coroutine.armed = ("before", "after", "late", "after")[int(self.part * 4)]

    # ---- memory, and results that cannot be read

    def memory(self):
        """Writes are refused for a while, and as long as results are remembered."""
        self.world.redis.short = True
        self.world.redis.short_until = self.world.now + self.duration * 2

    def garble(self):
        worker = self.worker()
        if worker and not self.world.unreadable_release:
            worker.garbles = int(1 + self.part * 3)

    def unreadable(self):
        """Workers of another release: until somebody sees it, nothing of theirs can be read."""
        self.world.later(LEASE * 20, self.world.match_releases)
        self.world.unreadable_release = True
        for worker in self.world.slots:
            if worker and worker.alive:
                worker.garbles = -1

    # ---- people, and the disk

    def pause(self):
        store = self.store()
        if store.control == "run":
            store.control = "pause"
            self.world.control(store)
            self.world.later(self.duration * 4, lambda: self.world.resume(store))

    def cancel(self):
        store = self.store()
        if store.control != "cancel":
            store.control = "cancel"
            self.world.control(store)

    def settings(self):
        """The run is given again with other settings."""
        store = self.store()
        scheduler = self.world.schedulers.get(store.name)
        if scheduler and scheduler.alive:
            self.world.kill(scheduler, self.kind)
        store.settings += 1
        self.redo_all(store)

    def redo(self):
        store = self.store()
        count = max(1, len(store.attempts) // 6)
        store.redo(random.Random(self.chance).sample(range(len(store.attempts)), count))
        self.world.redos += 1

    def redo_all(self, store=None):
        store = store or self.store()
        store.redo(range(len(store.attempts)))
        self.world.redos += 1

    def add(self):
        self.store().add(int(3 + self.chance * 20))

    def slowdb(self):
        self.world.slow_disk_until = self.world.now + self.duration * 3
