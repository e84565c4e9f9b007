"""A worker's pipeline: photos are worked on in batches, beside everything else (worker/pipeline/pipeline)."""

from . import scripts
from .actors import ConnLost, call
from .holdings import DONE, IN_HAND
from .redis_model import Result
from .timing import LEASE


class Pipeline:
    """The part of a worker that works on photos."""

    def submit(self, batch):
        if batch:
            self.in_pipeline += len(batch)
            self.jobs.append(batch)
            self.wake("work")

    def take_back(self, wanted):
        """Removes and returns what is not worked on yet."""
        taken = [held for batch in self.jobs for held in batch if wanted(held)]
        for batch in self.jobs:
            batch[:] = [held for held in batch if held not in taken]
        self.in_pipeline -= len(taken)
        return taken

    def work(self, co):
        rng = self.world.rng
        while True:
            self.in_work = self.jobs.popleft() if self.jobs else []
            if not self.in_work:
                yield rng.randint(20, 60)
                continue
            yield
            results = []
            for held in self.in_work:
                result = yield from self.work_on(co, held)
                results.append((held, result))
            self.on_finished(results)

    def find_seen(self, co, held, content):
        """A result of a photo with the same bytes (worker/queue/seen_photos); who does not answer at once
        is not waited for."""
        if held.task.attempt > 1 and self.rules.seen_first:
            return None
        redis = self.world.redis
        co.epoch = redis.epoch if self.world.now >= redis.down_until else -1
        try:
            arguments = (held.incarnation, content)
            return (yield from call(co, "FIND-SEEN", scripts.find_seen, *arguments))
        except ConnLost:
            return None

    def work_on(self, co, held):
        """Photos may kill the worker, or never end."""
        world, store = self.world, self.world.stores[held.task.run]
        world.note_started(held)
        yield world.rng.randint(1, world.work_time) if world.work_time else None
        content, settings = store.contents[held.task.image], self.settings_of(held)
        seen = yield from self.find_seen(co, held, content)
        if seen is not None:
            world.note_copied(held)
            return seen._replace(
                image=held.task.image, attempt=held.task.attempt, worker=self.name, copied=True
            )
        if held.task.image in store.poison:
            world.log(f"{self.name}: poison image {held.task.image} kills the worker")
            world.note_killer(held)
            world.kill(self, "poison")
            yield
        if held.task.image in store.hanging:
            yield LEASE // 3
            while not self.rules.hang_publish:
                yield 500  # its heart beats on
            self.time_out()
            while True:
                yield 500  # the thread is lost
        world.note_completed(held)
        return Result(*held.task.photo, "done", None, self.name, content, settings)

    def settings_of(self, held):
        run = self.runs.get(held.incarnation)
        return run.spec.settings if run else 0

    def time_out(self):
        """A single photo has failed; of a batch nobody knows which one hangs: it counts as a crash."""
        self.world.log(f"{self.name}: photo past its time-out")
        if len(self.in_work) == 1:
            held = self.in_work[0]
            failed = Result(*held.task.photo, "failed", "timeout", self.name)
            self.in_pipeline += 1  # on_finished takes it off; the thread still has it
            self.abandoned += 1
            self.on_finished([(held, failed)])
        else:
            self.charged += self.in_work
        self.begin_stop()

    def on_finished(self, results):
        self.in_pipeline -= len(results)
        for held, result in results:
            run = self.runs.get(held.incarnation)
            # Else it is not ours any more.
            if run is not None and run.is_state(held.id, IN_HAND):
                run.held[held.id].state = DONE
                self.done.append((held, result))
        self.wake("publish")
        self.wake("feed")
