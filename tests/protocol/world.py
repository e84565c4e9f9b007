"""One seed's world: a server, databases, schedulers, workers, and what goes wrong between them."""

import random
from typing import Callable, NamedTuple

from . import faults
from .actors import Process
from .invariants import Invariants
from .redis_model import NoGroup, OutOfMemory, Redis
from .scheduler_model import Scheduler
from .store_model import Store, Violation
from .timing import GRACE
from .worker_model import Worker

SUPERVISE_EVERY = 20
SNAPSHOTS = 6
NEVER = 1 << 40
PATIENCE = 60000  # after the last fault


class Late(NamedTuple):
    """A command of a broken connection that the server still executes."""

    at: int
    command: Callable
    arguments: tuple
    epoch: int
    what: str


class World(Invariants):
    """`settings` fixes what the seed would choose: window, nw, prefetch, micro, ptime, two, poison,
    hang, garbled, twins; so do `kinds` and `count` (of faults), `fault_list` and `images`."""

    def __init__(
        self,
        seed,
        rules,
        kinds=None,
        fault_list=None,
        images=None,
        trace=False,
        count=None,
        settings=None,
        patience=PATIENCE,
    ):
        self.rules = rules
        self.seed = seed
        self.patience = patience
        self.trace = [] if trace else None
        self.rng = random.Random(seed)  # the schedule; what is chosen beforehand has its own
        choose = random.Random(seed * 7919 + 1)
        self.now = 0
        self.coroutines, self.late, self.workers = [], [], {}
        self.unreadable_release = False
        self.worker_count = self.incarnation_count = self.fence_count = 0
        self.slow_disk_until = 0
        self.begin_watch()
        self._choose_sizes(choose, settings or {}, images)
        self.redis = Redis(ids_by_clock=choose.random() < 0.5)
        self.redis.world = self
        kinds = kinds or self._choose_kinds(choose)
        self._make_stores(choose, settings or {})
        self.faults = (
            self._choose_faults(choose, kinds, count) if fault_list is None else fault_list
        )
        self.faults = sorted(self.faults)
        self.snapshots = []
        self.take_snapshot()

    def _choose_sizes(self, choose, settings, images):
        chosen = {
            "window": choose.choice([8, 8, 12, 16, 32]),
            "nw": choose.randint(1, 5),
            "prefetch": choose.choice([1, 2, 4, 8]),
            "micro": choose.choice([1, 2, 4]),
            "ptime": choose.choice([0, 0, 20, 80]),
        }
        chosen.update({name: value for name, value in settings.items() if name in chosen})
        self.window, self.prefetch, self.micro = (
            chosen["window"],
            chosen["prefetch"],
            chosen["micro"],
        )
        self.work_time = chosen["ptime"]
        self.slots = [None] * chosen["nw"]  # workers that are kept running
        self.slot_due = [0] * chosen["nw"]
        self.two = settings.get("two", choose.random() < 0.4)
        usual = choose.choice([20, 25, 30, 40, 60, 80, 120, 200])
        self.images = images or usual
        self.generation = choose.choice([2, 4, 16])  # of remembered results
        self.twins = settings.get("twins", choose.choice([0, 0.2, 0.6]))  # part of the photos
        self.timers = []  # (when, what)

    @staticmethod
    def _choose_kinds(choose):
        return [
            kind for kind in faults.KINDS if choose.random() < choose.choice([0.15, 0.4, 0.8])
        ] or ["wcrash"]

    def _make_stores(self, choose, settings):
        self.stores, self.schedulers, self.scheduler_due = {}, {}, {}
        for name in ("A", "B") if self.two else ("A",):
            images = self.images if name == "A" else max(5, self.images // 2)
            poison_count = settings.get("poison", choose.choice([0, 0, 1, 2, 3]))
            hanging_count = settings.get("hang", choose.choice([0, 0, 0, 1]))
            poison = set(choose.sample(range(images), min(images, poison_count)))
            hanging = set(choose.sample(range(images), min(images, hanging_count))) - poison
            store = self.stores[name] = Store(name, images, poison, hanging, self)
            if settings.get("garbled", choose.random() < 0.2):
                store.garbled = {choose.randrange(images)} - poison - hanging
            for image in range(1, images):
                store.contents[image] = self.content_of(store, image, choose)
            self.scheduler_due[name] = 0

    def _choose_faults(self, choose, kinds, count):
        out = []
        for _ in range(choose.randint(1, 14) if count is None else count):
            out.append((choose.randint(5, self.horizon), choose.choice(kinds), choose.random()))
        return out

    @property
    def horizon(self):
        """Faults come before this."""
        each = 60 if self.two else 40 + self.work_time // 2
        return self.images * each // max(1, min(len(self.slots), 3)) + 800

    # ---- for the actors

    def log(self, line):
        if self.trace is not None:
            self.trace.append(f"{self.now:6d} {line}")

    def new_incarnation(self, run):
        self.incarnation_count += 1
        return f"{run}{self.incarnation_count}"

    def new_fence(self):
        self.fence_count += 1
        return self.fence_count

    def content_of(self, store, image, choose=None):
        """Its own, or that of an earlier photo; photos that do harm have no twins."""
        choose = choose or self.rng
        alone = store.poison | store.hanging | store.garbled
        other = choose.randrange(image)
        if image in alone or other in alone or choose.random() >= self.twins:
            return image
        return store.contents[other]

    def control(self, store):
        """Tells the scheduler, if there is one, what was asked."""
        scheduler = self.schedulers.get(store.name)
        if scheduler and scheduler.alive:
            {"run": scheduler.resume, "pause": scheduler.pause, "cancel": scheduler.cancel}[
                store.control
            ]()

    def later(self, ticks, action):
        self.timers.append((self.now + ticks, action))

    def _run_timers(self):
        for timer in [timer for timer in self.timers if timer[0] <= self.now]:
            self.timers.remove(timer)
            timer[1]()

    def resume(self, store):
        if store.control == "pause":
            self.check_paused(store)
            store.control = "run"
            self.log(f"{store.name}: resume")
            self.control(store)

    def match_releases(self):
        """Somebody has seen it: from now on workers write what the scheduler can read."""
        self.unreadable_release = False
        for worker in self.slots:
            if worker:
                worker.garbles = 0

    def note_cancelled(self, scheduler):
        """The run has ended; somebody starts it again after a while."""
        self.check_cancelled(scheduler)
        self.lossy += 1  # the keys had the delivery counts (Q19)
        scheduler.store.control = "run"
        self.exit(scheduler)

    def note_given_up(self, scheduler):
        """The results cannot be read: somebody starts it again with matching workers."""
        self.log(f"{scheduler.name}: gives up, results cannot be read")
        self.given_up += 1
        self.match_releases()
        self.exit(scheduler)

    def execute_later(self, ticks, command, arguments, what):
        late = Late(self.now + ticks, command, arguments, self.redis.epoch, what)
        self.late.append(late)

    def kill(self, process: Process, why):
        process.alive = False
        if isinstance(process, Worker):
            self.note_ended(process)
        for co in process.coroutines:
            in_socket = co.in_flight and self.rng.random() < 0.5 and co.epoch == self.redis.epoch
            if in_socket:
                what = f"last command of the dead {co.name}"
                self.execute_later(self.rng.randint(0, 60), *co.in_flight, what)
        self._remove(process)
        self.log(f"KILL {process.name} ({why})")

    def exit(self, process: Process):
        process.alive = False
        if isinstance(process, Worker):
            self.note_ended(process)
        self._remove(process)
        self.log(f"EXIT {process.name}")

    def _remove(self, process):
        self.coroutines = [co for co in self.coroutines if co.process is not process]

    # ---- the engine

    def run(self):
        limit = self.horizon + self.patience
        next_fault = supervise_at = 0
        quiet_since = None
        while True:
            self.now += 1
            while next_fault < len(self.faults) and self.faults[next_fault][0] <= self.now:
                faults.strike(self, *self.faults[next_fault][1:])
                next_fault += 1
                supervise_at = 0
            self._execute_late()
            self._run_timers()
            if self.now >= supervise_at:
                self.supervise()
                supervise_at = self.now + SUPERVISE_EVERY
            if self.now >= self.snapshot_at:
                self.take_snapshot()
            now = self.now
            ready = [
                co for co in self.coroutines if co.wake <= now and co.process.paused_until <= now
            ]
            if ready:
                co = ready[int(self.rng.random() * len(ready))]
                try:
                    sleep = next(co.generator)
                except StopIteration:
                    sleep = NEVER
                except Violation as violation:
                    self.violations.append(str(violation))
                    break
                co.wake = self.now + (sleep or 0)
            else:
                wakes = [max(co.wake, co.process.paused_until) for co in self.coroutines]
                wakes.append(supervise_at)
                wakes += [due for due, _ in self.timers]
                if next_fault < len(self.faults):
                    wakes.append(self.faults[next_fault][0])
                self.now = max(self.now, min(wakes) - 1)
            if next_fault == len(self.faults) and not self.timers and self._is_finished():
                quiet_since = self.now if quiet_since is None else quiet_since
                if self.now > quiet_since + GRACE and not self.late:
                    break
            else:
                quiet_since = None
            if self.now > limit:
                self._report_unfinished()
                break
        self.check_end()
        return self

    def _is_finished(self):
        return all(each.finished for each in self.schedulers.values()) and all(
            store.is_final() for store in self.stores.values()
        )

    def _report_unfinished(self):
        left = {name: store.unfinished()[:5] for name, store in self.stores.items()}
        left = {name: pairs for name, pairs in left.items() if pairs}
        self.violations.append(f"I1 not finished: {left}")

    def _execute_late(self):
        for late in [late for late in self.late if late.at <= self.now]:
            self.late.remove(late)
            if late.epoch != self.redis.epoch or self.now < self.redis.down_until:
                continue
            self.log(f"LATE execution of {late.what}")
            self.redis.dirty = False
            try:
                late.command(self.redis, *late.arguments)
            except (NoGroup, OutOfMemory):
                pass

    def supervise(self):
        """Starts what has died again, after a while."""
        for slot, worker in enumerate(self.slots):
            if worker is not None and worker.alive:
                continue
            if self.slot_due[slot] == 0:
                wait = 0 if worker is None else self.rng.randint(10, 500)
                self.slot_due[slot] = self.now + wait
            if self.now >= self.slot_due[slot]:
                self.worker_count += 1
                name = f"w{self.worker_count}" if self.rules.newname else f"w-slot{slot}"
                self.slots[slot] = self.workers[name] = Worker(self, name)
                self.slots[slot].garbles = -1 if self.unreadable_release else 0
                self.slot_due[slot] = 0
        for name, store in self.stores.items():
            scheduler = self.schedulers.get(name)
            if scheduler is not None and scheduler.alive:
                continue
            if scheduler is not None and scheduler.finished and store.is_final():
                continue
            if self.scheduler_due[name] == 0:
                wait = 0 if scheduler is None else self.rng.randint(10, 900)
                self.scheduler_due[name] = self.now + wait
            if self.now >= self.scheduler_due[name]:
                self.schedulers[name] = Scheduler(self, store)
                self.scheduler_due[name] = 0

    def take_snapshot(self):
        self.snapshots = (self.snapshots + [self.redis.snapshot()])[-SNAPSHOTS:]
        self.snapshot_at = self.now + self.rng.randint(60, 400)
