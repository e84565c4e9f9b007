"""What photos with the same bytes may take over: results go into Redis' `seen` as they are recorded
and, after the keys were made anew, from the database (scheduler/queue/result_sharer)."""

from . import scripts
from .actors import call
from .redis_model import OutOfMemory

NOTE_AT_ONCE = 4
ROWS_AT_ONCE = 5
FRESH_KEPT = 40


class Seen:
    """The part of the scheduler that shares results."""

    def begin_sharing(self):
        self.fresh = []  # recorded, not yet in Redis
        self.forget_shared()

    def forget_shared(self):
        """New keys know of nothing; what was recorded under the old ones the database tells."""
        self.share_below = None  # of the database: where to go on; 0: all is shared
        self.shared = 0
        self.fresh = []
        self.remembering = True

    def note_fresh(self, results):
        if len(self.fresh) <= FRESH_KEPT:
            self.fresh += results

    def share(self, co):
        if not self.remembering:
            self.fresh = []
            return
        while self.fresh:
            some = self.fresh[:NOTE_AT_ONCE]
            if not (yield from self.note(co, some)):
                return
            self.fresh = self.fresh[len(some) :]
        yield from self.share_older(co)

    def share_older(self, co):
        """Of the database: the newest, one generation."""
        if self.share_below == 0 or self.shared >= self.world.generation:
            return
        results, below = self.store.results_to_share(self.share_below, ROWS_AT_ONCE)
        yield
        if results and not (yield from self.note(co, results)):
            return
        self.share_below = below
        self.shared += len(results)

    def note(self, co, results):
        arguments = (self.rules, self.incarnation, results, self.world.generation)
        try:
            yield from call(co, f"NOTE-SEEN {len(results)}", scripts.note_seen, *arguments)
        except OutOfMemory:
            yield from self.stop_remembering(co)
            return False
        return True

    def stop_remembering(self, co):
        """Short of memory it is the first to go, until the keys are made anew."""
        if not self.remembering or not self.rules.seen_dropped:
            return
        self.remembering = False
        self.fresh = []
        self.world.log(f"{self.name}: remembers nothing any more")
        yield from call(co, "FORGET-SEEN", scripts.forget_seen, self.incarnation)
