"""Which holders are dead, judged by their counters and the judge's own clock (common/redis/liveness)."""

from .timing import LEASE


class Liveness:
    """One of each judge and run."""

    def __init__(self):
        self.seen = {}  # holder -> (counter, still for, at)
        self.pending = {}  # holder -> entries in its name

    def observe(self, holders, now):
        """`holders` are (name, pending, counter). At most a third of the lease counts a look."""
        seen = {}
        for name, _, counter in holders:
            still = 0
            before = self.seen.get(name)
            if before is not None and before[0] == counter:
                still = before[1] + min(now - before[2], LEASE // 3)
            seen[name] = (counter, still, now)
        self.seen = seen
        self.pending = {name: pending for name, pending, _ in holders}

    def forget(self):
        """At every reconnect: all still-times start anew (H12)."""
        self.seen = {}

    def dead(self):
        """(name, pending, counter) of those that have stood still for a lease."""
        return [
            (name, self.pending[name], counter)
            for name, (counter, still, _) in sorted(self.seen.items())
            if still >= LEASE
        ]

    def living(self):
        return sum(
            1 for counter, still, _ in self.seen.values() if counter is not None and still < LEASE
        )
