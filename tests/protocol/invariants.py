"""What must hold, and the bookkeeping that it takes.

I1 the run ends with every image in a final state
I2 one result per (image, attempt), never for another image or run   (checked by the store)
I3 a healthy photo is crashed_worker only if truly in hand at that many crashes, and a poison photo
   crashes no more workers than that
I4 the streams stay within the window
I5 work done again: counted, not judged
I6 nothing is left in Redis at the end
I7 a photo's result is that of its own content, by the settings of its attempt, and of attempts after
   the first computed for that attempt
I8 a paused run has nothing in Redis for long that waits; a cancelled one has no keys when it ends
I9 a photo is model_failure only after three results of it that could not be read, and nothing is
   tried for ever because of workers that nobody can read
"""

import collections

from . import scripts
from .holdings import DONE, IN_HAND
from .redis_model import RUNS, Broken, NoGroup, key
from .timing import LEASE, MAX_DELIVERIES
from .unreadable_model import ROUNDS, TRIES


class Invariants:
    """The part of the world that watches."""

    def begin_watch(self):
        self.in_hand = collections.Counter()  # photo -> crashes at which it was in hand
        self.prefetched = collections.Counter()  # ... or only in the worker's name
        self.killed = collections.Counter()  # photo -> workers that it crashed
        self.lost_alive = collections.Counter()  # photo -> claimed from a worker that lived
        self.unread = collections.defaultdict(set)  # photo -> entries of results of it
        self.starts = collections.Counter()
        self.computed = collections.Counter()
        self.again = 0  # started after its result was recorded, or of an older attempt
        self.unjust = 0  # living workers, nothing wrong with them, judged dead
        self.lossy = self.redos = self.marked = 0
        self.copied = self.given_up = self.begun_paused = 0
        self.violations = []
        self.computed_twice = self.starts_total = 0

    # ---- told by the actors

    def note_started(self, held):
        _, image, attempt = held.task.photo
        store = self.stores[held.task.run]
        self.starts[held.task.photo] += 1
        scheduler = self.schedulers.get(store.name)
        if store.control == "pause" and scheduler and scheduler.withdrawn:
            self.begun_paused += 1
        if attempt < store.attempts[image] or (image, attempt) in store.results:
            self.again += 1
            self.log(f"   (image {image} attempt {attempt} is processed AGAIN)")

    def note_completed(self, held):
        self.computed[held.task.photo] += 1

    def note_killer(self, held):
        self.killed[held.task.photo] += 1

    def note_claim(self, owner, incarnation, entry, task):
        worker = self.workers.get(owner)
        if worker is None or not worker.alive:
            return
        troubled = max(worker.paused_until, worker.cut_until)
        held = worker.runs[incarnation].held.get(entry) if incarnation in worker.runs else None
        if troubled == 0 or troubled < self.now - LEASE * 3:
            self.unjust += 1
        elif held is not None and held.state in (IN_HAND, DONE):
            self.lost_alive[task.photo] += 1

    def note_ended(self, worker):
        """Killed, or ended with tasks in its name."""
        begun = set()
        for held in worker.all_held():
            if held.state in (IN_HAND, DONE):
                self.in_hand[held.task.photo] += 1
                begun.add((held.incarnation, held.id))
            else:
                self.prefetched[held.task.photo] += 1
        for incarnation in worker.runs:
            for entry, task in self._marked_of(worker.name, incarnation):
                # START or RECLAIM was executed; its reply or the first step is still on its way.
                if (incarnation, entry) not in begun:
                    self.in_hand[task.photo] += 1
                    self.marked += 1

    def _marked_of(self, name, incarnation):
        mark = self.redis.hgetall(key(incarnation, "workers")).get(name + scripts.HAND)
        try:
            stream, group = self.redis.group(key(incarnation, "tasks"), scripts.GROUP)
        except NoGroup:
            return []
        return [
            (entry, stream.entries[entry])
            for entry in (mark[1] if mark else ())
            if entry in stream.entries and group.pending.get(entry, [None])[0] == name
        ]

    def note_copied(self, held):
        self.copied += 1

    def note_unreadable(self, store, entry, batch):
        for item in batch or ():
            if isinstance(item, Broken):
                self.unread[store.name, item.image, item.attempt].add(entry)

    # ---- judged at once

    def check_content(self, store, result):
        if result.outcome != "done":
            return
        image = result.image
        photo = f"({store.name}, {image}, {result.attempt})"
        if result.content != store.contents[image]:
            self.violations.append(f"I7 {photo} has a result of other content")
        if result.settings != store.made_under[image]:
            self.violations.append(f"I7 {photo} has a result by other settings")
        if result.copied and result.attempt > 1:
            self.violations.append(f"I7 {photo} was asked again, and not computed again")

    def check_unreadable(self, store, image, attempt):
        if len(self.unread[store.name, image, attempt]) < TRIES:
            self.violations.append(f"I9 {(store.name, image, attempt)} failed too early")

    def check_rounds(self, unreadable):
        if unreadable.rounds > ROUNDS:
            self.violations.append(f"I9 photos tried {unreadable.rounds} times for nothing")

    def check_paused(self, store):
        """At its end, when nothing has disturbed it for long: nothing waits in Redis."""
        quiet = not any(self.now - LEASE * 2 < fault[0] <= self.now for fault in self.faults)
        scheduler = self.schedulers.get(store.name)
        if not quiet or not scheduler or not scheduler.alive or not store.incarnation:
            return
        try:
            name = key(store.incarnation, "tasks")
            stream, group = self.redis.group(name, scripts.GROUP)
        except NoGroup:
            return
        waiting = [
            entry
            for entry in stream.entries
            if entry > group.last_delivered and self.redis.born[name, entry] < self.now - LEASE // 2
        ]
        if waiting:
            self.violations.append(
                f"I8 {len(waiting)} tasks wait in Redis though {store.name} rests"
            )

    def check_cancelled(self, scheduler):
        of = tuple(f"p:{each}:" for each in scheduler.store.past)
        left = [name for name in self.redis.data if name.startswith(of)]
        if left:
            self.violations.append(f"I8 left after a cancel: {left}")

    def check_condemned(self, store, image, attempt):
        if image in store.poison or image in store.hanging:
            return
        photo = (store.name, image, attempt)
        if self.in_hand[photo] + self.lost_alive[photo] < MAX_DELIVERIES:
            self.violations.append(
                f"I3 healthy image {photo} condemned: in hand at {self.in_hand[photo]} crashes, "
                f"prefetched at {self.prefetched[photo]}, "
                f"lost by a live holder {self.lost_alive[photo]}"
            )

    def check_ghosts(self, scheduler):
        try:
            stream, group = self.redis.group(key(scheduler.incarnation, "tasks"), scripts.GROUP)
        except NoGroup:
            return
        last, pending = group.last_delivered, group.pending
        ghosts = [entry for entry in stream.entries if entry <= last and entry not in pending]
        if ghosts:
            self.violations.append(f"I6g {len(ghosts)} ghost entries in tasks at the end")

    # ---- judged at the end

    def check_end(self):
        self._check_poison()
        self._check_lengths()
        if not any(violation.startswith("I1") for violation in self.violations):
            self._check_leaks()
        self.computed_twice = sum(max(0, count - 1) for count in self.computed.values())
        self.starts_total = sum(self.starts.values())

    def _check_poison(self):
        for name, store in self.stores.items():
            for photo, crashes in self.killed.items():
                poison = photo[0] == name and photo[1] in store.poison
                if poison and crashes > MAX_DELIVERIES and not self.lossy:
                    run, image, attempt = photo
                    self.violations.append(
                        f"I3 poison ({run},{image},{attempt}) crashed {crashes} workers"
                    )
            for (image, attempt), result in store.results.items():
                current = store.attempts[image] == attempt
                if current and image in store.poison and result[1] != "crashed_worker":
                    self.violations.append("I3 poison image done?")

    def _check_lengths(self):
        for name, length in self.redis.longest.items():
            if name.endswith(":tasks") and length > self.window + 8:
                self.violations.append(f"I4 tasks stream {length} > window {self.window}")
            most = self.window * (1 + self.redos) + 8
            if name.endswith(":results") and length > most:
                self.violations.append(f"I4b results stream {length} > window {self.window}")

    def _check_leaks(self):
        redis = self.redis
        left = [name for name in redis.data if name not in redis.expiring or ":seen" in name]
        if RUNS in redis.data and self.rules.runs_clean:
            listed = [
                f"{RUNS}/{incarnation}"
                for incarnation in redis.data[RUNS]
                if key(incarnation, "spec") not in redis.expiring
            ]
            left = [name for name in left if name != RUNS] + listed
        if left:
            self.violations.append(f"I6 left in Redis for ever: {sorted(left)}")
