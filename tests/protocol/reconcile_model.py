"""Reconcile: puts right what is in Redis after a loss, a rewind or a command in doubt (H4-H8, H11;
scheduler/queue/reconciler, reconcile)."""

from . import scripts
from .actors import call

ENQUEUE_AT_ONCE = 6


class Reconcile:
    """The part of the scheduler that reconciles."""

    def reconcile(self, co):
        rules = self.rules
        self.hold_feeder = True  # (1)
        self.world.log(f"{self.name}: reconcile")
        if rules.drain:
            while not self.feeder_at_rest:
                yield 3
        self.need_reconcile = False
        self.to_add = []
        yield from self.ensure_incarnation(co)
        window, counts = yield from self.look_at_window(co)  # (2)
        yield from self.record_what_was_there(co)  # (3)
        yield from self.apply_plan(co, window, counts)  # (4)
        self.hold_feeder = False

    def ensure_incarnation(self, co):
        """Keeps the stored incarnation where all of it is there, else makes a new one."""
        self.incarnation = self.store.incarnation
        if not (yield from self.can_keep_incarnation(co)):
            yield from self.begin_incarnation(co)
        if self.rules.past_inc:
            yield from call(co, "UNLINK past", scripts.delete_runs, list(self.store.past))

    def can_keep_incarnation(self, co):
        if self.incarnation is None:
            return False
        there = yield from call(co, "PRESENCE", scripts.presence, self.incarnation)
        if not there >= {"spec", "tasks", "results", "group"}:
            self.unmade = self.unmade and there <= {"registered"}
            return False
        self.unmade = False
        if self.rules.spec_settings and not self.spec_checked:
            spec = yield from call(co, "read spec", scripts.read_spec, self.incarnation)
            if spec != self.spec():  # workers read it once; what is finished is kept
                if spec is not None:
                    yield from self.record_what_was_there(co)
                return False
            self.spec_checked = True
        if "registered" not in there and self.rules.check_spec:
            yield from call(co, "register", scripts.register, self.incarnation, self.store.name)
        return True

    def begin_incarnation(self, co):
        store, old = self.store, self.incarnation
        if not self.unmade:
            yield
            store.begin_incarnation(self.world.new_incarnation(store.name))  # before its first use
            self.incarnation = store.incarnation
            self.world.log(f"{self.name}: new incarnation {store.incarnation}")
            yield
        self.unmade = self.spec_checked = True
        self.liveness.forget()
        self.forget_shared()
        if self.rules.past_inc and self.rules.past_first:
            yield from call(co, "UNLINK past", scripts.delete_runs, list(store.past))
        arguments = (self.incarnation, self.spec(), self.world.new_fence())
        if self.rules.fill_multi:
            yield from call(co, "FILL", scripts.make_run, *arguments)
        else:
            for step in scripts.make_run_steps(*arguments):
                yield from call(co, "FILL part", step)
        self.unmade = False
        if not self.rules.past_inc and old:
            yield from call(co, "UNLINK old", scripts.delete_runs, [old])

    def look_at_window(self, co):
        """P as (id, task) pairs, with the count of each pending entry."""
        fence = self.world.new_fence()
        last, entries, counts = yield from call(
            co, "SNAPSHOT", scripts.snapshot, self.incarnation, fence
        )
        self.fence = fence
        ghosts = [entry for entry in entries if entry <= last and entry not in counts]
        dangling = [entry for entry in counts if entry not in entries]
        yield from self.remove(co, ghosts + dangling)
        window = [
            (entry, task) for entry, task in entries.items() if entry > last or entry in counts
        ]
        return window, counts

    def record_what_was_there(self, co):
        """Live workers go on adding: the end is where it was at the beginning (Q5)."""
        last = yield from call(co, "last result", scripts.last_result, self.incarnation)
        self.position = 0
        while (yield from self.record(co, up_to=last)):
            pass

    def apply_plan(self, co, window, counts):
        enqueued = self.store.enqueued()
        missing, stale = self.plan(enqueued, window, counts)
        yield
        if self.rules.del_first:
            yield from self.remove(co, stale)
        self.withdrawn = False  # of a pause: look again
        if self.paused:
            return  # resume() reconciles
        if missing and not self.unreadable.begin_round(self.recorded):
            self.world.note_given_up(self)
            yield
        self.world.check_rounds(self.unreadable)
        for at in range(0, len(missing), ENQUEUE_AT_ONCE):
            pairs = self.store.still_wanted(missing[at : at + ENQUEUE_AT_ONCE])
            yield
            self.world.log(f"{self.name}: reconcile enqueues {pairs}")
            charges = self.charges_of(pairs)
            yield from self.enqueue(co, self.incarnation, self.fence, pairs, charges)
        if not self.rules.del_first:
            yield from self.remove(co, stale)

    def plan(self, enqueued, window, counts):
        """What is missing in Redis, and which ids are stale (H5, H6)."""
        rules = self.rules
        if rules.pairs:
            there = {(task.image, task.attempt) for _, task in window}
            missing = [pair for pair in sorted(enqueued) if pair not in there]
        else:
            images = {task.image for _, task in window}
            missing = [pair for pair in sorted(enqueued) if pair[0] not in images]
        stale = [entry for entry, task in window if self.is_stale(task, enqueued)]
        if rules.dedup:
            stale += self.duplicates(window, counts, set(stale))
        return missing, stale

    def is_stale(self, task, enqueued):
        if self.rules.rm_not_s:
            return (task.image, task.attempt) not in enqueued
        if self.rules.pairs:
            return (task.image, task.attempt) in self.store.results
        return (task.image, self.store.attempts[task.image]) in self.store.results

    @staticmethod
    def duplicates(window, counts, stale):
        """All but one entry of each photo: the most delivered stays, then one held, then the oldest."""
        best, out = {}, []
        for entry, task in window:
            if entry in stale:
                continue
            rank = (task.charged + counts.get(entry, 0), entry in counts, -entry)
            photo = (task.image, task.attempt)
            if photo not in best:
                best[photo] = (rank, entry)
                continue
            out.append(min((rank, entry), best[photo])[1])
            best[photo] = max((rank, entry), best[photo])
        return out

    def remove(self, co, ids):
        if ids:
            yield from call(co, "XACK+XDEL", scripts.remove_tasks, self.incarnation, ids)
