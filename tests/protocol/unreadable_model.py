"""How long photos are tried again whose results could not be read (scheduler/queue/unreadable_results)."""

import collections

from .redis_model import Broken, Result

TRIES = 3
ROUNDS = 3


class UnreadableResults:
    """In memory: a scheduler started anew counts anew."""

    def __init__(self, rules, run):
        self.rules = rules
        self.run = run
        self.broken = collections.defaultdict(set)  # pair -> entries
        self.lost = set()  # entries that nothing could be had of, since the last round
        self.recorded_before = None
        self.rounds = 0  # in a row

    def take(self, entry, batch):
        """What can be recorded of an entry; `batch` None: nothing can be read of it."""
        if batch is None:
            self.lost.add(entry)
            return []
        out = []
        for item in batch:
            if not isinstance(item, Broken):
                out.append(item)
                continue
            entries = self.broken[item.image, item.attempt]
            entries.add(entry)
            if len(entries) >= TRIES and self.rules.broken_limit:
                pair = (item.image, item.attempt)
                out.append(Result(self.run, *pair, "failed", "model_failure", "scheduler"))
        return out

    def begin_round(self, recorded):
        """Reconcile enqueues again; False: it is the third time for nothing."""
        if not self.lost:
            return True
        self.lost.clear()
        self.rounds = self.rounds + 1 if self.recorded_before == recorded else 1
        self.recorded_before = recorded
        if self.rounds < ROUNDS or not self.rules.rounds_limit:
            return True
        self.rounds = 0
        return False
