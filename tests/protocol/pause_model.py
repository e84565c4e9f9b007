"""Pause, resume and cancel: taking back out of Redis what no worker has begun (scheduler_pause).

The images stay enqueued in SQLite, so a resume is a reconcile: it finds them missing in Redis.
"""

from . import scripts
from .actors import call
from .redis_model import NoGroup
from .timing import CANCEL_PATIENCE

WITHDRAW_AT_ONCE = 4


class Pause:
    """The part of the scheduler that stands still on request."""

    def begin_pauses(self):
        self.paused = self.cancelled = False
        self.withdrawn = False  # nothing but what is in hand is in Redis
        self.in_hand = 0
        self.charges = {}  # pair -> deliveries charged when it was taken out of Redis
        self.moved_at = 0  # the last sign that work in hand goes on
        if self.store.control != "run":
            self.pause()
        if self.store.control == "cancel":
            self.cancel()

    def pause(self):
        self.paused = True
        self.in_hand = len(self.store.enqueued())
        self.withdrawn = False

    def resume(self):
        if self.paused and not self.cancelled:
            self.paused = False
            self.hold_feeder = self.need_reconcile = self.rules.resume_reconciles

    def cancel(self):
        self.pause()
        self.cancelled = True
        self.moved_at = self.world.now

    def stay_paused(self, co):
        """True when a cancelled run has ended."""
        if not self.withdrawn:
            yield from self.withdraw(co)
            yield from self.look(co)
        if not self.cancelled:
            return False
        self.moved_at = max(self.moved_at, self.last_result_at)
        if self.in_hand > 0 and self.world.now - self.moved_at <= CANCEL_PATIENCE:
            return False
        yield from self.record_what_was_there(co)
        yield from self.delete_run(co)
        return True

    def withdraw(self, co):
        while not self.feeder_at_rest:
            yield 2
        taken = WITHDRAW_AT_ONCE
        while taken == WITHDRAW_AT_ONCE:
            arguments = (self.rules, self.incarnation, self.fence, WITHDRAW_AT_ONCE)
            taken, charged = yield from call(co, "WITHDRAW", scripts.withdraw, *arguments)
            if taken < 0:
                raise NoGroup  # the fence is another's
            self.world.log(f"{self.name}: took {taken} tasks out")
            if self.rules.charges_kept:
                self.charges.update(charged)
        self.withdrawn = True

    def note_paused(self, seen):
        self.in_hand = seen.pending + seen.results
        if seen.undelivered and self.rules.pause_again:
            self.withdrawn = False  # handed back, or of a worker that died

    def charges_of(self, pairs):
        return {pair: self.charges.pop(pair) for pair in pairs if pair in self.charges}
