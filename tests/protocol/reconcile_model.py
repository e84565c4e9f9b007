"""Reconcile: puts right what is in Redis after a loss, a rewind or a command in doubt (H4-H8, H11)."""

from . import scripts
from .actors import call


class Reconcile:
    """The part of the scheduler that reconciles."""

    def reconcile(self, co):
        rules, store = self.rules, self.store
        self.hold_feeder = True  # (1)
        self.world.log(f"{self.name}: reconcile")
        if rules.drain:
            while not self.feeder_at_rest:
                yield 3
        self.need_reconcile = False
        self.to_add = []
        yield from self.ensure_incarnation(co)
        enqueued = store.enqueued()
        yield
        window, counts = yield from self.look_at_window(co)  # (2)
        self.read_own = True
        while (yield from self.record(co)):  # (3)
            pass
        missing, stale = self.plan(enqueued, window, counts)  # (4)
        if rules.del_first:
            yield from self.remove(co, stale)
        for image, attempt in missing:
            added = yield from self.enqueue(co, self.incarnation, image, attempt)
            if added is None:
                self.need_reconcile = True
                return
            self.world.log(f"{self.name}: reconcile enqueued image {image} attempt {attempt}")
        if not rules.del_first:
            yield from self.remove(co, stale)
        self.hold_feeder = False

    def ensure_incarnation(self, co):
        """Keeps the stored incarnation where all of it is there, else makes a new one."""
        rules, store = self.rules, self.store
        arguments = (scripts.presence, rules, store.incarnation, store.name)
        good = store.incarnation is not None and (yield from call(co, "CHECK", *arguments))
        old = store.incarnation
        if not good:
            yield
            if old:
                store.past.append(old)
            store.incarnation = self.world.new_incarnation(store.name)  # before its first use
            self.world.log(f"{self.name}: new incarnation {store.incarnation}")
            yield
        self.incarnation = store.incarnation
        if not good:
            yield from self.make_run(co)
            if not rules.past_inc and old:
                yield from call(co, "UNLINK old", scripts.delete_runs, [old])
        if rules.past_inc:
            yield from call(co, "UNLINK past", scripts.delete_runs, list(store.past))

    def make_run(self, co):
        if self.rules.fill_multi:
            yield from call(co, "FILL", scripts.make_run, self.incarnation, self.store.name)
            return
        for step in scripts.make_run_steps(self.incarnation, self.store.name):
            yield from call(co, "FILL part", step)

    def look_at_window(self, co):
        """P as (id, task) pairs, with the count of each pending entry."""
        self.fence = self.world.new_fence()
        last, entries, counts = yield from call(
            co, "reconcile MULTI", scripts.snapshot, self.incarnation, self.fence
        )
        ghosts = [entry for entry in entries if entry <= last and entry not in counts]
        dangling = [entry for entry in counts if entry not in entries]
        if ghosts:
            yield from call(co, "XDEL ghosts", scripts.remove_ghosts, self.incarnation, ghosts)
        if dangling:
            yield from call(co, "XACK dangling", scripts.ack_tasks, self.incarnation, dangling)
        window = [
            (entry, task) for entry, task in entries.items() if entry > last or entry in counts
        ]
        return window, counts

    def plan(self, enqueued, window, counts):
        """What is missing in Redis, and which ids are stale (H5, H6)."""
        rules, store = self.rules, self.store
        if rules.pairs:
            there = {(task.image, task.attempt) for _, task in window}
            missing = [pair for pair in sorted(enqueued) if pair not in there]
        else:
            images = {task.image for _, task in window}
            missing = [pair for pair in sorted(enqueued) if pair[0] not in images]
        missing = [
            (image, attempt)
            for image, attempt in missing
            if (image, attempt) not in store.results and store.attempts[image] == attempt
        ]
        stale = [entry for entry, task in window if self.is_stale(task)]
        if rules.dedup:
            stale += self.duplicates(window, counts, set(stale))
        return missing, stale

    def is_stale(self, task):
        attempt = self.store.attempts[task.image]
        has_result = (task.image, task.attempt) in self.store.results
        if self.rules.rm_not_s:
            return task.attempt != attempt or has_result
        if self.rules.pairs:
            return has_result
        return (task.image, attempt) in self.store.results

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
