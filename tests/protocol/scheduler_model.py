"""The scheduler of one run: keeps the window full, records results, mends what Redis lost."""

from . import scripts
from .actors import ConnLost, Process, call, reconnect
from .redis_model import NoGroup, Redis, Task, key, keys
from .reconcile_model import Reconcile
from .timing import LEASE

RECORD_AT_ONCE = 4  # entries of the results stream
FEED_AT_ONCE = 8


class Scheduler(Reconcile, Process):
    def __init__(self, world, store):
        super().__init__(world, "sched-" + store.name)
        self.store = store
        self.rules = world.rules
        self.window = world.window
        self.need_reconcile = True
        self.hold_feeder = True  # reconcile's step (1): stop adding
        self.feeder_at_rest = True  # no XADD is in flight
        self.to_add = []  # taken from the store, not yet in Redis
        self.read_own = True  # where results have a group: own pending entries first
        self.incarnation = None
        self.fence = 0
        self.judged = {}  # consumer -> (counter, since)
        self.finished = False
        self.start("main", self.main)
        self.start("feed", self.feed)

    def main(self, co):
        yield from reconnect(co)
        turns = 0
        while True:
            try:
                if self.need_reconcile:
                    try:
                        yield from self.reconcile(co)
                    except (ConnLost, NoGroup):
                        self.need_reconcile = True  # an interrupted reconcile starts over
                        raise
                recorded = yield from self.record(co)
                if self.store.is_final():
                    yield
                    if self.store.is_final():
                        yield from self.finish(co)
                        continue
                turns += 1
                if turns % 7 == 0:
                    yield from call(co, "EXPIRE", Redis.expire, keys(self.incarnation))
                if self.rules.delcons != "none" and turns % 5 == 0:
                    yield from self.remove_dead_consumers(co)
                if recorded == 0:
                    yield from self.idle(co)
            except ConnLost:
                if self.rules.rec_own:
                    self.read_own = True
                other_server = yield from reconnect(co)
                if other_server or self.rules.rec_every:
                    self.need_reconcile = True
            except NoGroup:
                if self.rules.nogroup_lost:
                    self.need_reconcile = True
                else:
                    yield from self.wait_for_emptiness(co)
                yield self.world.rng.randint(5, 40)

    def finish(self, co):
        yield from self.delete_run(co)
        if self.store.is_final():
            self.finished = True
            self.world.exit(self)
            yield
        self.need_reconcile = True  # photos were asked again at the last moment

    def idle(self, co):
        rules = self.rules
        if rules.rec_idle and self.world.rng.random() < 0.3:
            self.read_own = True
        if rules.check_spec:
            listed = yield from call(co, "CHECK", scripts.is_listed, self.incarnation)
            if not listed:
                self.need_reconcile = True
                self.world.log(f"{self.name}: spec or registration missing")
                return
        look = scripts.work_left if rules.trig_group else scripts.lengths
        tasks, results = yield from call(co, "LOOK", look, self.incarnation)
        if not tasks and not results and self.store.enqueued():
            self.need_reconcile = True
            self.world.log(f"{self.name}: empty while unfinished")
        yield self.world.rng.randint(5, 30)

    def wait_for_emptiness(self, co):
        """NOGROUP taken for something that passes: only the trigger may see what is lost."""
        try:
            tasks, results = yield from call(co, "XLEN", scripts.lengths, self.incarnation)
            if not tasks and not results and self.store.enqueued():
                self.need_reconcile = True
        except ConnLost:
            if (yield from reconnect(co)):
                self.need_reconcile = True

    # ---- the recorder

    def record(self, co):
        """What is in the stream is what is not committed (H3). Returns how many entries."""
        if not self.rules.rec_plain:
            return (yield from self.record_from_group(co))
        entries = yield from call(
            co, "XRANGE results", scripts.read_results, self.incarnation, RECORD_AT_ONCE
        )
        if not entries:
            return 0
        yield self.slow_disk()
        self.store.record([result for _, batch in entries for result in batch])
        yield
        name = key(self.incarnation, "results")
        yield from call(co, "XDEL results", Redis.xdel, name, [entry for entry, _ in entries])
        return len(entries)

    def record_from_group(self, co):
        own, name = self.read_own, key(self.incarnation, "results")
        read = (Redis.xreadgroup, name, "recorder", "rec", RECORD_AT_ONCE, own)
        entries = yield from call(co, "XREADGROUP results", *read)
        if own and not entries:
            self.read_own = False
            return (yield from self.record(co))
        if not entries:
            return 0
        yield self.slow_disk()
        self.store.record([result for _, batch in entries if batch for result in batch])
        yield
        ids = [entry for entry, _ in entries]
        if self.rules.rec_multi:
            yield from call(co, "XACK+XDEL results", scripts.remove_results, name, ids)
        else:
            yield from call(co, "XACK results", Redis.xack, name, "recorder", ids)
            yield from call(co, "XDEL results", Redis.xdel, name, ids)
        return len(entries)

    def slow_disk(self):
        if self.world.now < self.world.slow_disk_until:
            return self.world.rng.randint(50, 200)
        return None

    # ---- the feeder

    def feed(self, co):
        yield from reconnect(co)
        while True:
            if self.hold_feeder:
                self.feeder_at_rest = True
                yield self.world.rng.randint(1, 10)
                continue
            self.feeder_at_rest = False
            try:
                yield from self.feed_once(co)
            except ConnLost:
                if self.rules.rec_every:  # an XADD in doubt is never sent again (H7)
                    self.to_add = []
                    self.need_reconcile = self.hold_feeder = True
                if (yield from reconnect(co)):
                    self.need_reconcile = True

    def feed_once(self, co):
        rng, incarnation = self.world.rng, self.incarnation
        if not self.to_add:
            if not self.store.has_more():
                self.feeder_at_rest = True
                yield rng.randint(5, 30)
                return
            length = yield from call(co, "XLEN", Redis.xlen, key(incarnation, "tasks"))
            room = self.window - length
            if self.rules.win_sqlite:
                room = min(room, self.window - len(self.store.enqueued()))
            if room <= 0:
                self.feeder_at_rest = True
                yield rng.randint(3, 20)
                return
            self.to_add = self.store.take(min(room, FEED_AT_ONCE))  # SQLite first
            yield
        while self.to_add:
            image, attempt = self.to_add[0]
            added = yield from self.enqueue(co, incarnation, image, attempt)
            if added is None:
                self.to_add = []
                self.need_reconcile = self.hold_feeder = True
                return
            if self.to_add:
                self.to_add.pop(0)

    def enqueue(self, co, incarnation, image, attempt):
        task = Task(self.store.name, image, attempt, 0)
        arguments = (scripts.enqueue, self.rules, incarnation, self.fence, task)
        return (yield from call(co, f"XADD image {image}", *arguments))

    # ---- others

    def remove_dead_consumers(self, co):
        idle, counters = yield from call(
            co, "XINFO CONSUMERS", scripts.idle_consumers, self.incarnation
        )
        for consumer in idle:
            counter, before = counters.get(consumer), self.judged.get(consumer)
            if before is None or before[0] != counter:
                self.judged[consumer] = (counter, self.world.now)
            elif self.world.now - before[1] >= LEASE:
                arguments = (scripts.remove_consumer, self.rules, self.incarnation, consumer)
                yield from call(co, "DELCONSUMER", *arguments)

    def delete_run(self, co):
        self.world.check_ghosts(self)
        incarnations = [self.incarnation] + (self.store.past if self.rules.past_inc else [])
        yield from call(co, "UNLINK run", scripts.delete_runs, incarnations)
        self.world.log(f"{self.name}: finished, keys deleted")
