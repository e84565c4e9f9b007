"""A worker: the coroutine that takes tasks and judges others, and its heart (worker/queue/taker, heartbeat).

Every coroutine has a connection of its own, as in the code: taking, feeding and publishing run beside
each other (feeding_model.py), and photos are worked on in the pipeline (pipeline_model.py).
"""

import collections

from . import scripts
from .actors import ConnLost, Process, call, reconnect
from .feeding_model import Feeding
from .holdings import DONE, RETURNING, WAITING, JoinedRun
from .pipeline_model import Pipeline
from .redis_model import RUNS, NoGroup, OutOfMemory, Redis
from .timing import BEAT, LEASE, LIST_EVERY

RELEASE_AT_ONCE = 4


class Worker(Feeding, Pipeline, Process):
    def __init__(self, world, name):
        super().__init__(world, name)
        self.rules = world.rules
        self.runs = {}  # incarnation -> JoinedRun
        self.not_before = {}  # dropped runs: when to join them again
        self.list_at = 0
        self.jobs = collections.deque()  # batches for the pipeline
        self.in_pipeline = 0
        self.in_work = []  # the batch that is worked on
        self.charged = []  # held that stay in this name, as at a crash
        self.abandoned = 0  # photos in the pipeline whose thread is lost
        self.suspect_in_hand = False
        self.done = collections.deque()  # (held, Result) not yet published
        self.publishing = []
        self.deadline = None  # of a stop
        self.take_ended = False
        self.garbles = 0  # results to come that nobody can read; -1: all
        self.number = 0  # of beats, START and RECLAIM: rises
        for body in (self.take, self.feed, self.publish, self.beat, self.work):
            self.start(body.__name__, body)

    @property
    def stopping(self):
        return self.deadline is not None

    def next_number(self):
        self.number += 1
        return self.number

    def all_held(self):
        return [held for run in self.runs.values() for held in run.held.values()]

    def count(self, state):
        return sum(1 for held in self.all_held() if held.state == state)

    def reach(self, co):
        """What was on its way when the connection broke may have put tasks into this name (H1)."""
        yield from reconnect(co)
        for run in self.runs.values():
            run.renew_at = 0
            run.reconnected = True

    def drop_run(self, incarnation):
        """Its data are gone: so is its work."""
        run = self.runs.get(incarnation)
        if run is None or not self.rules.wk_nogroup:
            return
        self.world.log(f"{self.name}: leaves {incarnation}")
        self.take_back(lambda held: held.incarnation == incarnation)
        del self.runs[incarnation]
        self.not_before[incarnation] = self.world.now + LEASE // 6
        self.list_at = 0

    def forget_entries(self, run, lost):
        """Drops what is no longer ours; a result that is ready goes out even so (Q12)."""
        gone = [run.held[entry] for entry in lost if entry in run.held]
        gone = [held for held in gone if held.state != DONE]
        for held in gone:
            del run.held[held.id]
        self.take_back(lambda held: held in gone)

    def give_back(self, held):
        run = self.runs.get(held.incarnation)
        if run is not None and held.id in run.held:
            run.held[held.id].state = RETURNING

    # ---- the heart

    def beat(self, co):
        yield from reconnect(co)
        while True:
            for incarnation in list(self.runs):
                arguments = (self.rules, incarnation, self.name, self.next_number())
                try:
                    yield from call(co, "beat", scripts.beat, *arguments)
                except ConnLost:
                    yield from reconnect(co)
                except OutOfMemory:  # nobody can beat
                    if self.rules.judge_writes:
                        for run in self.runs.values():
                            run.liveness.forget()
                except NoGroup:
                    pass  # for the others to notice
            yield BEAT

    # ---- taking

    def take(self, co):
        yield from self.reach(co)
        while not self.stopping:
            try:
                yield from self.take_turn(co)
            except ConnLost:
                if self.rules.judge_reset:  # while we were away nobody looked alive (H12)
                    for run in self.runs.values():
                        run.liveness.forget()
                self.list_at = 0
                yield from self.reach(co)
            except OutOfMemory:
                pass
        self.take_ended = True

    def take_turn(self, co):
        if self.world.now >= self.list_at:
            self.list_at = self.world.now + LIST_EVERY
            yield from self.refresh_runs(co)
        for incarnation in list(self.runs):
            try:
                yield from self.look_after(co, incarnation)
            except NoGroup:
                self.drop_run(incarnation)
                yield self.world.rng.randint(5, 30)
        wanted = self.world.prefetch - self.count(WAITING)
        if self.stopping or not self.runs or wanted < max(1, self.world.prefetch // 2):
            yield self.world.rng.randint(5, 30)
            return
        yield from self.read_some(co, wanted)

    def refresh_runs(self, co):
        listed = yield from call(co, "HGETALL runs", Redis.hgetall, RUNS)
        for incarnation in listed:
            if incarnation in self.runs or self.not_before.get(incarnation, 0) > self.world.now:
                continue
            spec = yield from call(co, "read spec", scripts.read_spec, incarnation)
            if spec is not None:
                self.runs[incarnation] = JoinedRun(incarnation, spec)
            elif self.rules.runs_clean:
                yield from call(co, "forget", scripts.forget, incarnation)
        for incarnation in [each for each in self.runs if each not in listed]:
            # A registration alone may be lost, and is written again: the spec decides (Q7).
            if (yield from call(co, "read spec", scripts.read_spec, incarnation)) is None:
                self.drop_run(incarnation)

    def look_after(self, co, incarnation):
        run = self.runs.get(incarnation)
        if run and self.world.now >= run.renew_at:
            yield from self.renew(co, run)
        run = self.runs.get(incarnation)
        if run and self.world.now >= run.look_at:
            yield from self.judge_others(co, run)

    def renew(self, co, run):
        """Finds what is no longer ours, and takes up what is and was not known (H1)."""
        held = list(run.held)
        arguments = (run.incarnation, self.name)
        own = dict((yield from call(co, "renew", scripts.pending_of, *arguments)))
        unknown = [entry for entry in own if entry not in held]
        if not self.rules.adopt or not (self.rules.adopt_idle or run.reconnected):
            unknown = []
        tasks = {}
        if unknown:
            arguments = (run.incarnation, unknown)
            tasks = yield from call(co, "read strays", scripts.entries_of, *arguments)
            finished = [entry for entry in unknown if entry not in tasks]
            if finished:
                arguments = (run.incarnation, finished)
                yield from call(co, "remove strays", scripts.remove_tasks, *arguments)
        if self.runs.get(run.incarnation) is not run:
            return
        run.renew_at = self.world.now + LEASE // 3
        run.reconnected = False
        self.forget_entries(run, [entry for entry in held if entry not in own])
        for entry, task in tasks.items():
            run.add(entry, task, task.charged + own[entry])
            self.world.log(f"{self.name}: takes up its own image {task.image}")

    def judge_others(self, co, run):
        seen = yield from call(co, "holders", scripts.holders, run.incarnation)
        run.liveness.observe(seen, self.world.now)
        run.look_at = self.world.now + LEASE // 4
        run.orphans = []
        for holder, pending, counter in run.liveness.dead():
            if holder != self.name and pending > 0:
                yield from self.find_orphans(co, run, (holder, counter))

    def find_orphans(self, co, run, judged):
        """What the dead had only prefetched goes back in bulk; what they had in hand is suspect."""
        released = RELEASE_AT_ONCE
        while self.rules.inhand_mark and released == RELEASE_AT_ONCE:
            arguments = (self.rules, run.incarnation, judged, RELEASE_AT_ONCE)
            released = yield from call(co, "RELEASE", scripts.release_unmarked, *arguments)
        arguments = (run.incarnation, judged[0])
        pending = yield from call(co, "XPENDING of the dead", scripts.pending_of, *arguments)
        self.wake("feed")
        run.orphans += [(count, entry, judged) for entry, count in pending]

    def read_some(self, co, wanted):
        """One run a read."""
        incarnations = list(self.runs)
        self.world.rng.shuffle(incarnations)
        for incarnation in incarnations:
            if incarnation not in self.runs:
                continue
            arguments = (incarnation, self.name, wanted)
            try:
                tasks = yield from call(co, "XREADGROUP", scripts.read_tasks, *arguments)
            except NoGroup:
                self.drop_run(incarnation)
                continue
            run = self.runs.get(incarnation)
            if run is None:
                continue
            for entry, task in tasks:
                run.add(entry, task, task.charged + 1)
            if tasks:
                self.wake("feed")
                return
        yield self.world.rng.randint(5, 30)
