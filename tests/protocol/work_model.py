"""What a worker does with the tasks in its name: mark, process, publish, hand back."""

from . import scripts
from .actors import ConnLost, call, reconnect
from .redis_model import NoGroup, Result
from .timing import LEASE


class Held:
    """A task in a worker's name: waiting, in work, done, timed out or gone."""

    __slots__ = ("incarnation", "id", "task", "state", "lost")

    def __init__(self, incarnation, entry, task):
        self.incarnation = incarnation
        self.id = entry
        self.task = task
        self.state = "wait"
        self.lost = False


class Work:
    """The part of a worker that works."""

    def work_off(self, co, incarnation):
        """What was prefetched, in small batches."""
        while not self.stopping:
            waiting = [
                held
                for held in self.held
                if held.state == "wait" and held.incarnation == incarnation
            ]
            if not waiting:
                return
            yield from self.process(co, waiting[: self.world.micro])
            if not self.rules.suspect_empty and self.world.rng.random() < 0.3:
                try:
                    yield from self.take_suspect(co, incarnation)
                except NoGroup:
                    pass
                except ConnLost:
                    yield from self.after_loss(co)

    def mark(self, co, batch):
        """START: keeps what is still ours and writes it down before processing begins (H10)."""
        incarnation, ids = batch[0].incarnation, [held.id for held in batch]
        arguments = (self.rules, incarnation, self.name, self.next_number(), ids)
        while True:
            try:
                kept = yield from call(co, "START", scripts.start, *arguments)
                break
            except ConnLost:
                yield from self.after_loss(co)
            except NoGroup:
                kept = None
                break
        for held in batch:
            if kept is None or held.id not in kept:
                held.lost = True
        self.drop_lost()
        return [held for held in batch if not held.lost]

    def process(self, co, batch, marked=False):
        if self.rules.inhand_mark and not marked:
            batch = yield from self.mark(co, batch)
        batch = [held for held in batch if not held.lost]
        if not batch:
            return
        for held in batch:
            held.state = "work"
            self.world.note_started(held)
        yield
        for held in batch:
            yield self.world.rng.randint(1, self.world.work_time) if self.world.work_time else None
            if self.stopping and self.world.rng.random() < 0.5:  # does not wait for what is in work
                self.leave_undone(batch)
                batch = [other for other in batch if other.state == "done"]
                break
            if (yield from self.is_fatal(co, held)):
                return
            self.world.note_completed(held)
            held.state = "done"
        yield
        yield from self.finish(co, batch, "done", None)

    @staticmethod
    def leave_undone(batch):
        for held in batch:
            if held.state == "work":
                held.state = "wait"

    def is_fatal(self, co, held):
        """Photos that kill the worker, or never end. True when this one ended the worker's work."""
        store = self.world.stores[held.task.run]
        if held.task.image in store.poison:
            self.world.log(f"{self.name}: poison image {held.task.image} kills the worker")
            self.world.kill(self, "poison")
            yield
        if held.task.image not in store.hanging:
            return False
        while not self.rules.hang_publish:
            yield 500  # it stops renewing, and its heart beats on
        yield LEASE // 3
        held.state = "timeout"
        self.leave_undone(self.held)
        yield from self.finish(co, [held], "failed", "timeout")
        self.stopping = True
        return True

    def finish(self, co, batch, outcome, reason):
        """One MULTI of results and the removal of their tasks; in doubt again (settled 13)."""
        while True:
            ours = [held for held in batch if not held.lost]
            if not ours:
                break
            incarnation = ours[0].incarnation
            results = [Result(*held.task.photo, outcome, reason, self.name) for held in ours]
            arguments = (incarnation, [held.id for held in ours], results)
            try:
                published = yield from call(co, "FINISH", scripts.finish, *arguments)
            except ConnLost:
                yield from self.after_loss(co)
                continue
            if published is None:  # the run is gone
                for held in self.held:
                    if held.incarnation == incarnation:
                        held.lost = True
            break
        for held in batch:
            held.state = "gone"
        self.held = [held for held in self.held if held.state != "gone" and not held.lost]

    def stop(self, co):
        """A clean stop: hands back what waits, uncharged, and leaves."""
        images = [held.task.image for held in self.held]
        self.world.log(f"{self.name}: clean stop, hands back {images}")
        for incarnation in sorted({held.incarnation for held in self.held}):
            back = [
                (held.id, held.task)
                for held in self.held
                if held.incarnation == incarnation and held.state == "wait"
            ]
            while back:
                arguments = (self.rules, incarnation, self.name, back)
                try:
                    yield from call(co, "HAND-BACK", scripts.hand_back, *arguments)
                    break
                except ConnLost:
                    yield from reconnect(co)
                except NoGroup:
                    break
        for incarnation in sorted(self.joined):
            try:
                yield from call(co, "LEAVE", scripts.leave, incarnation, self.name)
            except ConnLost:
                yield from reconnect(co)
        self.world.exit(self)
