"""The scheduler of one run: keeps the window full, records results (scheduler/queue/scheduler, recorder,
feeder); reconcile_model.py mends what Redis lost."""

from . import scripts
from .actors import ConnLost, Process, call, reconnect
from .liveness import Liveness
from .pause_model import Pause
from .reconcile_model import Reconcile
from .redis_model import NoGroup, OutOfMemory, Redis, Spec, Task, key
from .seen_model import Seen
from .timing import LEASE
from .unreadable_model import UnreadableResults

RECORD_AT_ONCE = 4  # entries of the results stream
FEED_AT_ONCE = 8


class Scheduler(Reconcile, Pause, Seen, Process):
    def __init__(self, world, store):
        super().__init__(world, "sched-" + store.name)
        self.store = store
        self.rules = world.rules
        self.window = world.window
        self.need_reconcile = True
        self.hold_feeder = True  # reconcile's step (1): stop adding
        self.feeder_at_rest = True  # nothing of the feeder's is in flight
        self.feeder_moves = 0  # rises whenever the feeder begins something
        self.to_add = []  # taken from the store, not yet in Redis
        self.position = 0  # of results, only without rec_plain
        self.incarnation = None
        self.unmade = False  # stored, and nothing of it seen in Redis: may be tried again
        self.spec_checked = False  # the stored incarnation's spec is ours
        self.fence = 0
        self.liveness = Liveness()
        self.watch_at = self.look_at = 0
        self.last_result_at = 0
        self.recorded = 0
        self.unreadable = UnreadableResults(world.rules, store.name)
        self.finished = False
        self.begin_pauses()
        self.begin_sharing()
        self.start("main", self.main)
        self.start("feed", self.feed)

    def spec(self):
        return Spec(self.store.name, self.store.settings)

    def main(self, co):
        yield from self.connect(co)
        while True:
            try:
                yield from self.turn(co)
            except ConnLost:
                yield from self.connect(co)
            except OutOfMemory:
                self.note_refused()
            except NoGroup:
                if self.rules.nogroup_lost:
                    self.need_reconcile = self.hold_feeder = True
                else:
                    yield from self.wait_for_emptiness(co)
                yield self.world.rng.randint(5, 40)

    def note_refused(self):
        """Nobody can beat either (H12)."""
        if self.rules.judge_writes:
            self.liveness.forget()

    def connect(self, co):
        """Whatever the server's run_id: commands of before may be in doubt (H7)."""
        other_server = yield from reconnect(co)
        self.liveness.forget()
        self.position = 0
        if other_server or self.rules.rec_every or self.incarnation is None:
            self.need_reconcile = self.hold_feeder = True

    def turn(self, co):
        if self.need_reconcile:
            try:
                yield from self.reconcile(co)
            except (ConnLost, NoGroup):
                self.need_reconcile = True  # an interrupted reconcile starts over
                raise
            except OutOfMemory:
                self.need_reconcile = True
                if self.incarnation:  # recording is what gives memory back
                    yield from self.record_what_was_there(co)
                    yield from self.stop_remembering(co)
                raise
            if self.need_reconcile:
                return
        recorded = yield from self.record(co)
        if self.store.is_final():
            yield
            if self.store.is_final():
                yield from self.finish(co)
                return
        yield from self.share(co)
        if self.paused and (yield from self.stay_paused(co)):
            self.world.note_cancelled(self)
            yield
        if recorded == 0:
            yield from self.idle(co)
        elif self.world.now >= self.look_at + LEASE:
            yield from self.look(co)
        yield from self.watch_workers(co)

    def finish(self, co):
        yield from self.delete_run(co)
        if self.store.is_final():
            self.finished = True
            self.world.exit(self)
            yield
        self.need_reconcile = self.hold_feeder = True  # photos were asked again at the last moment

    def idle(self, co):
        if self.world.now >= self.look_at:
            yield from self.look(co)
            yield from self.try_writing(co)
            if self.need_reconcile:
                return
        yield self.world.rng.randint(5, 30)

    def try_writing(self, co):
        """A server short of memory refuses workers their results, while this one only reads."""
        if not self.store.enqueued() or self.world.now - self.last_result_at < 100:
            return
        arguments = (self.incarnation, self.store.name)
        try:
            yield from call(co, "register", scripts.register, *arguments)
        except OutOfMemory:
            self.note_refused()
            yield from self.stop_remembering(co)

    def look(self, co):
        at_rest, moves = self.feeder_at_rest, self.feeder_moves
        seen = yield from call(co, "LOOK", scripts.look, self.rules, self.incarnation)
        self.look_at = self.world.now + 20
        if not seen.registered:
            yield from call(co, "register", scripts.register, self.incarnation, self.store.name)
        if self.paused:
            self.note_paused(seen)
            return
        at_rest = at_rest and self.feeder_at_rest and moves == self.feeder_moves
        if self.is_empty(seen) and at_rest and self.store.enqueued():
            self.need_reconcile = self.hold_feeder = True
            self.world.log(f"{self.name}: empty while unfinished")

    def is_empty(self, seen):
        if self.rules.trig_group:
            return not seen.undelivered and seen.pending == 0 and seen.results == 0
        return seen.tasks == 0 and seen.results == 0

    def wait_for_emptiness(self, co):
        """NOGROUP taken for something that passes: only the trigger may see what is lost."""
        try:
            tasks = yield from call(co, "XLEN", Redis.xlen, key(self.incarnation, "tasks"))
            results = yield from call(co, "XLEN", Redis.xlen, key(self.incarnation, "results"))
            if not tasks and not results and self.store.enqueued():
                self.need_reconcile = self.hold_feeder = True
        except ConnLost:
            yield from self.connect(co)

    # ---- the recorder

    def record(self, co, up_to=None):
        """What is in the stream is what is not committed (H3). Returns how many entries."""
        after = 0 if self.rules.rec_plain else self.position
        arguments = (self.incarnation, RECORD_AT_ONCE, after)
        entries = yield from call(co, "XREAD results", scripts.read_results, *arguments)
        if up_to is not None:
            entries = [each for each in entries if each[0] <= up_to]
        if not entries:
            return 0
        self.position = entries[-1][0]
        if self.world.now < self.world.slow_disk_until:
            yield self.world.rng.randint(50, 200)
        self.take_in(entries)
        yield
        name = key(self.incarnation, "results")
        yield from call(co, "XDEL results", Redis.xdel, name, [entry for entry, _ in entries])
        return len(entries)

    def take_in(self, entries):
        """One committed transaction."""
        results = []
        for entry, batch in entries:
            self.world.note_unreadable(self.store, entry, batch)
            results += self.unreadable.take(entry, batch)
        before = len(self.store.results)
        self.note_fresh(self.store.record(results))
        self.recorded += len(self.store.results) - before
        if results:
            self.last_result_at = self.world.now

    # ---- the feeder

    def feed(self, co):
        yield from reconnect(co)
        while True:
            if self.hold_feeder or self.need_reconcile or self.paused:
                self.feeder_at_rest = True
                yield self.world.rng.randint(5, 20)
                continue
            self.feeder_at_rest = False
            self.feeder_moves += 1
            try:
                yield from self.feed_once(co)
            except OutOfMemory:
                self.to_add = []
                self.need_reconcile = self.hold_feeder = True
            except NoGroup:
                self.to_add = []
                if self.rules.nogroup_lost:
                    self.need_reconcile = self.hold_feeder = True
                else:
                    yield self.world.rng.randint(5, 30)
            except ConnLost:
                if self.rules.rec_every:  # an XADD in doubt is never sent again (H7)
                    self.to_add = []
                    self.need_reconcile = self.hold_feeder = True
                self.feeder_at_rest = True
                yield from reconnect(co)

    def feed_once(self, co):
        rng, incarnation, fence = self.world.rng, self.incarnation, self.fence
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
        if self.to_add:
            yield from self.enqueue(co, incarnation, fence, self.to_add)
        self.to_add = []

    def enqueue(self, co, incarnation, fence, pairs, charges=None):
        """One script for many tasks, in one instant. NoGroup: the fence is another's."""
        charges = charges or {}
        tasks = [Task(self.store.name, *pair, charges.get(pair, 0)) for pair in pairs]
        arguments = (self.rules, incarnation, fence, tasks)
        added = yield from call(co, f"ENQUEUE {pairs}", scripts.enqueue, *arguments)
        if added < 0:
            raise NoGroup

    # ---- others

    def watch_workers(self, co):
        if self.world.now < self.watch_at:
            return
        self.watch_at = self.world.now + LEASE // 4
        seen = yield from call(co, "holders", scripts.holders, self.incarnation)
        self.liveness.observe(seen, self.world.now)
        for holder, pending, counter in self.liveness.dead():
            if pending == 0 or self.rules.delcons == "naive":
                if self.rules.delcons != "none":
                    arguments = (self.rules, self.incarnation, holder, (counter,))
                    yield from call(co, "DELCONSUMER", scripts.remove_consumer, *arguments)
            elif self.liveness.living() == 0:  # else the living see to it
                yield from self.condemn_of(co, (holder, counter))

    def condemn_of(self, co, judged):
        """Never claims (Q17)."""
        if self.rules.inhand_mark:
            arguments = (self.rules, self.incarnation, judged, 1000)
            yield from call(co, "RELEASE", scripts.release_unmarked, *arguments)
        pending = yield from call(
            co, "XPENDING of the dead", scripts.pending_of, self.incarnation, judged[0]
        )
        for entry, _ in pending:
            arguments = (self.rules, self.incarnation, None, 0, entry, judged)
            yield from call(co, "CONDEMN", scripts.reclaim, *arguments, self.world.note_claim)

    def delete_run(self, co):
        self.world.check_ghosts(self)
        incarnations = (self.store.past if self.rules.past_inc else []) + [self.incarnation]
        yield from call(co, "UNLINK run", scripts.delete_runs, incarnations)
        self.store.end_incarnation()
        self.incarnation = None
        self.spec_checked = False
        self.world.log(f"{self.name}: finished, keys deleted")
        yield
