"""The tasks of one run that stand in a worker's name, and how far each has come (worker/queue/holdings)."""

from .liveness import Liveness

WAITING, IN_HAND, DONE, RETURNING = "waiting", "in hand", "done", "returning"


class Held:
    __slots__ = ("incarnation", "id", "task", "deliveries", "state")

    def __init__(self, incarnation, entry, task, deliveries, state=WAITING):
        self.incarnation = incarnation
        self.id = entry
        self.task = task
        self.deliveries = deliveries  # charged in all; above 1 it is a suspect (H10)
        self.state = state


class JoinedRun:
    def __init__(self, incarnation, spec):
        self.incarnation = incarnation
        self.spec = spec
        self.held = {}  # id -> Held
        self.liveness = Liveness()
        self.orphans = []  # (count, id, (holder, counter)): suspects of the dead
        self.renew_at = self.look_at = 0
        self.reconnected = True  # since the last renewal
        self.turns_since_suspect = 0

    def add(self, entry, task, deliveries):
        """Those held already are left as they are."""
        if entry not in self.held:
            self.held[entry] = Held(self.incarnation, entry, task, deliveries)

    def in_state(self, state):
        return [held for _, held in sorted(self.held.items()) if held.state == state]

    def fresh(self):
        return [held for held in self.in_state(WAITING) if held.deliveries <= 1]

    def suspect(self):
        """The least delivered of those that were delivered before."""
        waiting = [held for held in self.in_state(WAITING) if held.deliveries > 1]
        return min(waiting, key=lambda held: held.deliveries, default=None)

    def is_state(self, entry, state):
        return entry in self.held and self.held[entry].state == state
