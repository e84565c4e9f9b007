"""A worker: joins runs, takes tasks, judges others, publishes results, gives back what it will not do."""

import collections

from . import scripts
from .actors import ConnLost, Process, call, reconnect
from .redis_model import RUNS, NoGroup, Redis
from .timing import BEAT, LEASE
from .work_model import Held, Work


class Worker(Work, Process):
    def __init__(self, world, name):
        super().__init__(world, name)
        self.rules = world.rules
        self.held = []
        self.joined = set()  # incarnations
        self.stopping = False
        self.busy = False  # found work in this turn
        self.number = 0  # of beats, START and RECLAIM: rises
        self.judged = {}  # (incarnation, holder) -> (counter, since)
        self.adopt_at = collections.defaultdict(int)  # incarnation -> when to look for strays
        self.start("main", self.main)
        self.start("beat", self.beat)
        self.start("renew", self.renew)

    def next_number(self):
        self.number += 1
        return self.number

    def after_loss(self, co):
        self.adopt_at.clear()
        if self.rules.judge_reset:
            self.judged.clear()
        yield from reconnect(co)

    def drop_lost(self):
        self.held = [held for held in self.held if not held.lost]

    # ---- the heart, and the renewal of leases

    def beat(self, co):
        yield from reconnect(co)
        while True:
            for incarnation in sorted(self.joined):
                arguments = (self.rules, incarnation, self.name, self.next_number())
                try:
                    yield from call(co, "beat", scripts.beat, *arguments)
                except ConnLost:
                    if self.rules.judge_reset:
                        self.judged.clear()
                    yield from reconnect(co)
            yield BEAT

    def renew(self, co):
        """Finds what is no longer this worker's."""
        yield from reconnect(co)
        while True:
            for incarnation in sorted({held.incarnation for held in self.held}):
                mine = [held for held in self.held if held.incarnation == incarnation]
                ids = [held.id for held in mine]
                try:
                    kept = yield from call(co, "renew", scripts.own_of, incarnation, self.name, ids)
                except ConnLost:
                    yield from reconnect(co)
                    continue
                except NoGroup:
                    if not self.rules.wk_nogroup:
                        continue
                    kept = []
                for held in mine:
                    if held.id not in kept:
                        held.lost = True
                self.drop_lost()
            yield LEASE // 6

    # ---- taking work

    def main(self, co):
        rng = self.world.rng
        yield from reconnect(co)
        while True:
            if self.stopping:
                yield from self.stop(co)
                yield
            self.busy = False
            try:
                runs = yield from call(co, "HGETALL runs", Redis.hgetall, RUNS)
                incarnations = list(runs)
                rng.shuffle(incarnations)
                self.joined &= set(incarnations)
                for incarnation in incarnations:
                    if self.stopping:
                        break
                    try:
                        yield from self.serve(co, incarnation)
                    except NoGroup:
                        yield rng.randint(5, 30)
            except ConnLost:
                yield from self.after_loss(co)
            if not self.busy:
                yield rng.randint(10, 60)

    def serve(self, co, incarnation):
        """One turn for one run; sets `busy` when there was work."""
        if not (yield from call(co, "read spec", scripts.has_spec, incarnation)):
            if self.rules.runs_clean:
                yield from call(co, "HDEL runs", scripts.forget, incarnation)
            return
        self.joined.add(incarnation)
        yield from self.adopt_when_due(co, incarnation)
        if self.world.rng.random() < 0.3 and (yield from self.take_suspect(co, incarnation)):
            return
        arguments = (incarnation, self.name, self.world.prefetch)
        tasks = yield from call(co, "XREADGROUP tasks", scripts.read_tasks, *arguments)
        if tasks:
            self.busy = True
            self.held += [Held(incarnation, entry, task) for entry, task in tasks if task]
            yield from self.work_off(co, incarnation)
        else:
            yield from self.take_suspect(co, incarnation)

    def adopt_when_due(self, co, incarnation):
        if not self.rules.adopt or self.world.now < self.adopt_at[incarnation]:
            return
        again = LEASE // 2 if self.rules.adopt_idle else 1 << 40
        self.adopt_at[incarnation] = self.world.now + again
        if (yield from self.adopt(co, incarnation)):
            self.busy = True

    def adopt(self, co, incarnation):
        """Takes up what is pending in this name and not held, one at a time (H1)."""
        known = {held.id for held in self.held if held.incarnation == incarnation}
        found = yield from call(co, "ADOPT", scripts.strays, incarnation, self.name, known)
        for entry, task in found:
            self.held.append(Held(incarnation, entry, task))
            self.world.log(f"{self.name}: adopts own pending image {task.image}")
        for held in list(self.held):
            if self.stopping:
                break
            if held.state == "wait" and not held.lost and held.incarnation == incarnation:
                yield from self.process(co, [held])
        return bool(found)

    # ---- judging others

    def take_suspect(self, co, incarnation):
        """The least delivered entry of a holder that is dead; sets `busy`. True: there was one."""
        rng = self.world.rng
        pending, counters = yield from call(co, "XPENDING", scripts.suspects, incarnation)
        dead = self.judge(incarnation, pending, counters)
        choice = [
            (count, rng.random(), entry, owner) for entry, owner, count in pending if owner in dead
        ]
        if not choice:
            return False
        _, _, entry, owner = min(choice)
        counter = self.judged[incarnation, owner][0]
        verdict = yield from call(
            co,
            "RECLAIM",
            scripts.reclaim,
            self.rules,
            incarnation,
            self.name,
            self.next_number(),
            entry,
            (owner, counter),
            self.world.note_claim,
        )
        if verdict is None or isinstance(verdict, str):
            self.world.log(f"{self.name}: reclaim of entry {entry} from {owner}: {verdict}")
            self.busy = True
            return True
        task, count = verdict
        held = Held(incarnation, entry, task)
        self.held.append(held)
        self.world.log(
            f"{self.name}: claims image {task.image} from {owner}, "
            f"deliveries {count + task.charged}"
        )
        yield from self.process(co, [held], marked=True)
        self.busy = True
        return True

    def judge(self, incarnation, pending, counters):
        """The holders whose counter has stood still for a lease."""
        dead = set()
        for owner in dict.fromkeys(owner for _, owner, _ in pending if owner != self.name):
            counter = counters.get(owner)
            before = self.judged.get((incarnation, owner))
            if before is None or before[0] != counter:
                self.judged[incarnation, owner] = (counter, self.world.now)
            elif self.world.now - before[1] >= LEASE:
                dead.add(owner)
        return dead
