"""How a worker feeds its pipeline, publishes, and ends (worker/queue/dispatcher, publisher, ending)."""

from . import scripts
from .actors import ConnLost, call
from .holdings import IN_HAND, RETURNING, WAITING, Held
from .redis_model import Broken, NoGroup, OutOfMemory
from .timing import GOODBYE, STOP_LIMIT

TURNS_PER_SUSPECT = 3  # Q10
PUBLISH_AT_ONCE = 4


class Feeding:
    """The part of a worker that decides what is in hand, and says what came of it."""

    # ---- feeding: every START and RECLAIM goes over this connection, in the order of their numbers

    def feed(self, co):
        yield from self.reach(co)
        while not self.stopping:
            try:
                yield from self.feed_turn(co)
            except ConnLost:
                yield from self.reach(co)
            except OutOfMemory:
                pass
        yield from self.finish_stop(co)

    def feed_turn(self, co):
        if self.in_pipeline == 0:
            self.suspect_in_hand = False
        yield from self.hand_back_all(co)
        jobs_max = 2 * self.world.micro
        if self.stopping or len(self.done) + len(self.publishing) > 2 * jobs_max:
            yield self.world.rng.randint(2, 10)
            return
        incarnations = list(self.runs)
        self.world.rng.shuffle(incarnations)
        for incarnation in incarnations:
            run = self.runs[incarnation]
            fresh = run.fresh()
            due = run.turns_since_suspect >= TURNS_PER_SUSPECT or not fresh
            if due and (run.suspect() or run.orphans):
                if self.in_pipeline > 0 and self.rules.suspect_empty:
                    break  # with empty hands only: whatever crashes then is the suspect
                run.turns_since_suspect = 0
                yield from self.start_suspect(co, run)
                return
            batch = fresh[: self.world.micro]
            if batch and self.in_pipeline + len(batch) <= jobs_max and not self.suspect_in_hand:
                run.turns_since_suspect += 1
                yield from self.mark_and_submit(co, run, batch)
                return
        yield self.world.rng.randint(20, 40)

    def start_suspect(self, co, run):
        own = run.suspect()
        if own:
            self.suspect_in_hand = self.rules.suspect_empty
            yield from self.mark_and_submit(co, run, [own])
        else:
            yield from self.reclaim_one(co, run)

    def reclaim_one(self, co, run):
        """The least delivered first, then at random."""
        least = min(run.orphans)[0]
        orphan = self.world.rng.choice([each for each in run.orphans if each[0] == least])
        run.orphans.remove(orphan)
        _, entry, judged = orphan
        arguments = (
            self.rules,
            run.incarnation,
            self.name,
            self.next_number(),
            entry,
            judged,
            self.world.note_claim,
        )
        try:
            verdict = yield from call(co, "RECLAIM", scripts.reclaim, *arguments)
        except NoGroup:
            self.drop_run(run.incarnation)
            return
        self.world.log(f"{self.name}: reclaim of entry {entry} from {judged[0]}: {verdict}")
        if isinstance(verdict, str) or self.runs.get(run.incarnation) is not run:
            return
        task, count = verdict
        held = Held(run.incarnation, entry, task, task.charged + count, IN_HAND)
        run.held[entry] = held
        if self.stopping:
            self.give_back(held)
            return
        self.suspect_in_hand = self.rules.suspect_empty
        self.submit([held])

    def mark_and_submit(self, co, run, chosen):
        """START: keeps what is still ours and writes it down before processing begins (H10)."""
        if self.rules.inhand_mark:
            in_hand = run.in_state(IN_HAND) + chosen
            ids = sorted(held.id for held in in_hand)
            arguments = (self.rules, run.incarnation, self.name, self.next_number(), ids)
            try:
                kept = yield from call(co, "START", scripts.start, *arguments)
            except NoGroup:
                self.drop_run(run.incarnation)
                return
            if self.runs.get(run.incarnation) is not run:
                return
            # Meanwhile one may have been found lost, or been sent back by a stop.
            chosen = [held for held in chosen if held.id in kept and run.is_state(held.id, WAITING)]
            self.forget_entries(run, [held.id for held in in_hand if held.id not in kept])
        if self.stopping:
            return  # they are on their way back
        for held in chosen:
            held.state = IN_HAND
        self.submit(chosen)

    def hand_back_all(self, co):
        for incarnation in list(self.runs):
            run = self.runs.get(incarnation)
            back = [(held.id, held.task) for held in run.in_state(RETURNING)] if run else []
            if not back:
                continue
            arguments = (self.rules, incarnation, self.name, back)
            try:
                yield from call(co, "HAND-BACK", scripts.hand_back, *arguments)
            except NoGroup:
                self.drop_run(incarnation)
                continue
            run = self.runs.get(incarnation)
            for entry, _ in back if run else ():
                run.held.pop(entry, None)

    # ---- publishing

    def publish(self, co):
        yield from self.reach(co)
        while True:
            if not self.publishing and not self.done:
                yield self.world.rng.randint(20, 60)
                continue
            try:
                yield from self.publish_some(co)
            except ConnLost:
                yield from self.reach(co)
            except OutOfMemory:
                pass

    def publish_some(self, co):
        """What is in `publishing` stays there until the server has said yes (Q13)."""
        while not self.publishing and self.done:
            for _ in range(min(PUBLISH_AT_ONCE, len(self.done))):
                self.publishing.append(self.done.popleft())
        while self.publishing:
            incarnation = self.publishing[0][0].incarnation
            group = [each for each in self.publishing if each[0].incarnation == incarnation]
            if incarnation in self.runs:
                ids = [held.id for held, _ in group]
                results = self.pack([result for _, result in group])
                finish = (scripts.finish, incarnation, ids, results)
                if (yield from call(co, f"FINISH {results}", *finish)) is None:
                    self.drop_run(incarnation)
                if run := self.runs.get(incarnation):
                    for entry in ids:
                        run.held.pop(entry, None)
            self.publishing = [each for each in self.publishing if each not in group]
        self.wake("feed")
        self.wake("take")

    def pack(self, results):
        """What the recorder can read of it: None, or a list with broken items."""
        if self.garbles != 0:
            self.garbles -= self.garbles > 0
            return None
        return [
            Broken(*result[:3]) if result.image in self.world.stores[result.run].garbled else result
            for result in results
        ]

    # ---- the end

    def begin_stop(self, limit=STOP_LIMIT):
        deadline = self.world.now + limit
        if self.stopping:
            self.deadline = min(self.deadline, deadline)
            return
        self.deadline = deadline
        self.world.log(f"{self.name}: stopping")
        self.take_everything_back(late=False)
        self.wake("feed")
        self.wake("take")

    def take_everything_back(self, late):
        for held in self.take_back(lambda held: True):
            self.give_back(held)
        for held in self.all_held():
            if held.state == WAITING or (late and held.state == IN_HAND):
                if held not in self.charged:
                    self.give_back(held)

    def all_done(self):
        left = self.count(WAITING) + self.count(RETURNING) + len(self.done) + len(self.publishing)
        return (
            self.take_ended and left == 0 and self.in_pipeline <= self.abandoned + len(self.charged)
        )

    def finish_stop(self, co):
        while not self.all_done():
            late = self.world.now >= self.deadline
            if self.world.now >= self.deadline + GOODBYE:
                break  # leases will bring it back
            self.take_everything_back(late)
            try:
                yield from self.hand_back_all(co)
            except ConnLost:
                yield from self.reach_until(co, self.deadline + GOODBYE)
            except OutOfMemory:
                pass
            if late and not self.done and not self.publishing:
                break
            yield self.world.rng.randint(2, 8)
        yield from self.leave_runs(co)
        self.world.exit(self)
        yield

    def reach_until(self, co, end):
        for _ in self.reach(co):
            if self.world.now >= end:
                return
            yield 1

    def leave_runs(self, co):
        """Where charged tasks stay in this name the mark stays: they were in hand."""
        kept = {held.incarnation for held in self.charged}
        for incarnation in [each for each in self.runs if each not in kept]:
            arguments = (self.rules, incarnation, self.name)
            try:
                yield from call(co, "LEAVE", scripts.remove_consumer, *arguments)
            except ConnLost:
                return
