"""SQLite: what the scheduler knows. Every method is one committed transaction."""

import collections

from .redis_model import Result


class Violation(Exception):
    """An invariant is broken: the run ends here."""


class Store:
    def __init__(self, name, images, poison, hanging, world):
        self.name = name
        self.rules = world.rules
        self.world = world
        self.incarnation = None
        self.past = []  # incarnations, oldest first
        self.attempts = [1] * images
        self.queue_seq = list(range(1, images + 1))  # by image; renewed with its attempt (H5)
        self.queue = [(image + 1, image) for image in range(images)]  # (queue_seq, image)
        self.cursor = 0
        self.poison = poison  # images that kill the worker
        self.hanging = hanging  # images that never end
        self.results = {}  # (image, attempt) -> (outcome, reason, worker)
        self.contents = list(range(images))  # the bytes of each; twins have the same
        self.settings = 1
        self.made_under = [1] * images  # the settings that each image's attempt was made for
        self.control = "run"  # what was asked: run, pause or cancel
        self.garbled = set()  # images whose results nobody can read
        self.broken = collections.Counter()  # pair -> results of it that could not be read
        self.order = []  # results as recorded
        self.refused = 0
        self._final = None  # what is_final() found, until something changes
        self.inserted = collections.Counter()

    # ---- looking

    def unfinished(self):
        pairs = enumerate(self.attempts)
        return [pair for pair in pairs if pair not in self.results]

    def enqueued(self):
        """S: enqueued and not recorded."""
        return {
            (image, attempt)
            for image, attempt in enumerate(self.attempts)
            if self.queue_seq[image] <= self.cursor and (image, attempt) not in self.results
        }

    def is_final(self):
        if self._final is None:
            self._final = all(pair in self.results for pair in enumerate(self.attempts))
        return self._final

    def still_wanted(self, pairs):
        return [pair for pair in pairs if pair in self.enqueued()]

    def has_more(self):
        """Whether the cursor is not at the end."""
        return self.cursor < (len(self.queue) if self.rules.seq else len(self.attempts))

    # ---- incarnations

    def begin_incarnation(self, incarnation):
        self.end_incarnation()
        self.incarnation = incarnation

    def end_incarnation(self):
        if self.incarnation:
            self.past.append(self.incarnation)
        self.incarnation = None

    # ---- feeding

    def take(self, count):
        """The next (image, attempt) pairs behind the cursor, which moves."""
        out = []
        at = self.cursor
        while at < (len(self.queue) if self.rules.seq else len(self.attempts)):
            if len(out) >= count:
                break
            seq, image = self.queue[at] if self.rules.seq else (self.queue_seq[at], at)
            at += 1
            pair = (image, self.attempts[image])
            if self.queue_seq[image] == seq and pair not in self.results:
                out.append(pair)
        self.cursor = at
        return out

    def redo(self, images):
        self._final = None
        for image in images:
            self.attempts[image] += 1
            self.made_under[image] = self.settings
            if self.rules.seq:
                self._append(image)

    def add(self, count):
        self._final = None
        for _ in range(count):
            image = len(self.attempts)
            self.attempts.append(1)
            self.contents.append(self.world.content_of(self, image))
            self.made_under.append(self.settings)
            self.queue_seq.append(image + 1)
            if self.rules.seq:
                self._append(image)

    def _append(self, image):
        self.queue.append((len(self.queue) + 1, image))
        self.queue_seq[image] = len(self.queue)

    # ---- sharing

    def results_to_share(self, below, rows):
        """A page of what was recorded, newest first, and where the next one ends; 0: that was all."""
        below = len(self.order) if below is None else below
        page = self.order[max(0, below - rows) : below]
        return [result for result in reversed(page) if self._shareable(result)], max(
            0, below - rows
        )

    def _shareable(self, result):
        if result.outcome == "failed" or result.copied:
            return False
        if not self.rules.seen_settings:
            return True
        current = self.attempts[result.image] == result.attempt
        return current and self.made_under[result.image] == self.settings

    # ---- recording

    def record(self, results: list[Result]):
        """What is new, and may be shared."""
        fresh = []
        for result in results:
            if result.run != self.name:
                raise Violation(f"I2 result of run {result.run} recorded in {self.name}")
            known = result.image < len(self.attempts)
            if not known or result.attempt != self.attempts[result.image]:
                self.refused += 1  # Q3
                continue
            if self._record_current(result) and self._shareable(result):
                fresh.append(result)
        return fresh

    def _record_current(self, result):
        pair = (result.image, result.attempt)
        before = self.results.get(pair)
        self.world.check_content(self, result)
        if before is None:
            self.results[pair] = (result.outcome, result.reason, result.worker)
            self._final = None
            self.inserted[pair] += 1
            if self.inserted[pair] > 1:
                raise Violation("I2 twice")
            self.world.log(
                f"{self.name}: recorded image {result.image} attempt {result.attempt} "
                f"{result.outcome} {result.reason or ''}"
            )
            if result.reason == "crashed_worker":
                self.world.check_condemned(self, *pair)
            if result.reason == "model_failure":
                self.world.check_unreadable(self, *pair)
            self.order.append(result)
            return True
        elif result.outcome == "done" and before[1] in ("crashed_worker", "timeout"):
            self.results[pair] = (result.outcome, result.reason, result.worker)
            self.order.append(result)
            return True
        return False
