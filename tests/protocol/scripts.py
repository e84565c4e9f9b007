"""What Redis executes in one instant: the model of common/redis/scripts/*.lua and of the MULTIs.

The first argument is the server; `rules` says which guards are there. NoGroup is the error RUNGONE.
"""

from typing import NamedTuple

from .redis_model import RUNS, NoGroup, Result, key, keys, only_looks
from .timing import MAX_DELIVERIES

GROUP = "workers"
HAND = "#hand"  # field "<consumer>#hand" of :workers: (number, ids)


class Look(NamedTuple):
    registered: bool
    undelivered: bool
    pending: int
    tasks: int  # XLEN
    results: int


def delete_runs(redis, incarnations):
    for incarnation in incarnations:
        redis.unlink(keys(incarnation))
        redis.hdel(RUNS, incarnation)


def _require(redis, incarnation, *names):
    if not all(redis.exists(key(incarnation, name)) for name in names):
        raise NoGroup


# ---- the scheduler


def make_run_steps(incarnation, spec, fence):
    """What makes a run: in one MULTI, or one after the other."""
    return [
        lambda redis: redis.xgroup_create(key(incarnation, "tasks"), GROUP),
        lambda redis: redis.make_stream(key(incarnation, "results")),
        lambda redis: redis.hset(key(incarnation, "spec"), "spec", spec),
        lambda redis: redis.hset(key(incarnation, "state"), "fence", fence),
        lambda redis: redis.hset(RUNS, incarnation, spec.run),
        lambda redis: redis.expire(keys(incarnation)),
    ]


def make_run(redis, incarnation, spec, fence):
    for step in make_run_steps(incarnation, spec, fence):
        step(redis)


@only_looks
def presence(redis, incarnation):
    """What there is: the names of the run's keys, "group" and "registered"."""
    there = {name for name in ("spec", "tasks", "results") if redis.exists(key(incarnation, name))}
    if _group_or_none(redis, incarnation):
        there.add("group")
    if incarnation in redis.hgetall(RUNS):
        there.add("registered")
    return there


def _group_or_none(redis, incarnation):
    try:
        return redis.group(key(incarnation, "tasks"), GROUP)[1]
    except NoGroup:
        return None


def register(redis, incarnation, run):
    _require(redis, incarnation, "spec")
    redis.hset(RUNS, incarnation, run)


@only_looks
def look(redis, rules, incarnation):
    """The idle look; renews the expiry of every key."""
    _require(redis, incarnation, *(("spec",) if rules.check_spec else ()), "tasks", "results")
    stream, group = redis.group(key(incarnation, "tasks"), GROUP)
    redis.expire(keys(incarnation))
    return Look(
        incarnation in redis.hgetall(RUNS) or not rules.check_spec,
        any(entry > group.last_delivered for entry in stream.entries),
        len(group.pending),
        len(stream.entries),
        redis.xlen(key(incarnation, "results")),
    )


def enqueue(redis, rules, incarnation, fence, tasks):
    """How many were added; -1: the fence is another's."""
    if rules.nomk_feed:
        _require(redis, incarnation, "spec", "tasks")
    if rules.fence and redis.hgetall(key(incarnation, "state")).get("fence") != fence:
        return -1
    for task in tasks:
        redis.xadd(key(incarnation, "tasks"), task, rules.nomk_feed)
    return len(tasks)


def snapshot(redis, incarnation, fence):
    """Reconcile's step (2): writes the fence; (last delivered, entries, id -> count of pending)."""
    _require(redis, incarnation, "spec")
    stream, group = redis.group(key(incarnation, "tasks"), GROUP)
    redis.hset(key(incarnation, "state"), "fence", fence)
    redis.expire([key(incarnation, "state")])
    counts = {entry: held[1] for entry, held in group.pending.items()}
    return group.last_delivered, dict(stream.entries), counts


def remove_tasks(redis, incarnation, ids):
    redis.xack(key(incarnation, "tasks"), GROUP, ids)
    redis.xdel(key(incarnation, "tasks"), ids)


@only_looks
def read_results(redis, incarnation, count, after=0):
    """(id, batch) from `after` on; nothing where there is no stream (look() tells)."""
    stream = redis.data.get(key(incarnation, "results"))
    entries = stream.entries.items() if stream else ()
    return [(entry, batch) for entry, batch in entries if entry > after][:count]


def withdraw(redis, rules, incarnation, fence, most):
    """Takes out what no worker has begun: (how many, pair -> deliveries charged); -1: the fence."""
    _require(redis, incarnation, "spec", "tasks")
    name = key(incarnation, "tasks")
    stream, group = redis.group(name, GROUP)
    if rules.withdraw_fence and redis.hget(key(incarnation, "state"), "fence") != fence:
        return -1, {}
    out = [(entry, 0) for entry in stream.entries if entry > group.last_delivered][:most]
    marked = {
        entry
        for field, mark in redis.hgetall(key(incarnation, "workers")).items()
        if field.endswith(HAND)
        for entry in mark[1]
    }
    for entry, _, count in redis.xpending(name, GROUP):
        if len(out) < most and (entry not in marked or not rules.withdraw_unmarked):
            out.append((entry, count - 1))
    charged = {}
    for entry, count in out:
        task = stream.entries.get(entry)
        if task is not None and task.charged + count > 0:
            charged[task.image, task.attempt] = task.charged + count
    remove_tasks(redis, incarnation, [entry for entry, _ in out])
    return len(out), charged


def note_seen(redis, rules, incarnation, results, most):
    """Remembers results by content, in two generations: a full one takes the older's place."""
    if rules.seen_guard:
        _require(redis, incarnation, "spec")
    seen, before = key(incarnation, "seen"), key(incarnation, "seen_before")
    if len(redis.hgetall(seen)) >= most:
        redis.unlink([before])
        redis.rename(seen, before)
    for result in results:
        redis.hset(seen, result.content, result)
    redis.expire([seen])


@only_looks
def find_seen(redis, incarnation, content):
    for name in ("seen", "seen_before"):
        result = redis.hget(key(incarnation, name), content)
        if result is not None:
            return result
    return None


def forget_seen(redis, incarnation):
    redis.unlink([key(incarnation, "seen"), key(incarnation, "seen_before")])


@only_looks
def last_result(redis, incarnation):
    stream = redis.data.get(key(incarnation, "results"))
    return max(stream.entries, default=0) if stream else 0


@only_looks
def holders(redis, incarnation):
    """(name, pending, counter) of every consumer and of everybody that beats."""
    _require(redis, incarnation, "spec", "tasks")
    _, group = redis.group(key(incarnation, "tasks"), GROUP)
    fields = redis.hgetall(key(incarnation, "workers"))
    counters = {name: value for name, value in fields.items() if not name.endswith(HAND)}
    owners = [held[0] for held in group.pending.values()]
    names = sorted(group.consumers | set(counters))
    return [(name, owners.count(name), counters.get(name)) for name in names]


@only_looks
def pending_of(redis, incarnation, holder):
    """(id, count) in order of id."""
    pending = redis.xpending(key(incarnation, "tasks"), GROUP)
    return [(entry, count) for entry, owner, count in pending if owner == holder]


def remove_consumer(redis, rules, incarnation, consumer, judged=None):
    """Never one with pending entries (H8); `judged` is the counter that it must still have."""
    workers = key(incarnation, "workers")
    if judged is not None and redis.hgetall(workers).get(consumer) != judged[0]:
        return
    group = _group_or_none(redis, incarnation)
    pending = (
        [entry for entry, held in group.pending.items() if held[0] == consumer] if group else []
    )
    if judged is not None and pending and rules.delcons == "atomic":
        return
    redis.hdel(workers, consumer, consumer + HAND)
    if group is None or (pending and rules.delcons == "atomic"):
        return
    group.consumers.discard(consumer)
    for entry in pending:
        del group.pending[entry]


# ---- workers


@only_looks
def read_spec(redis, incarnation):
    return redis.hgetall(key(incarnation, "spec")).get("spec")


def forget(redis, incarnation):
    if not redis.exists(key(incarnation, "spec")):
        redis.hdel(RUNS, incarnation)


def beat(redis, rules, incarnation, consumer, counter):
    name = key(incarnation, "workers")
    if rules.beat_guard:
        _require(redis, incarnation, "spec")
    redis.hset(name, consumer, counter)
    if rules.beat_guard:
        redis.expire([name])


def read_tasks(redis, incarnation, consumer, count):
    return redis.xreadgroup(key(incarnation, "tasks"), GROUP, consumer, count)


@only_looks
def entries_of(redis, incarnation, ids):
    """id -> task, where there is one."""
    stream, _ = redis.group(key(incarnation, "tasks"), GROUP)
    return {entry: stream.entries[entry] for entry in ids if entry in stream.entries}


def start(redis, rules, incarnation, consumer, number, ids):
    """Keeps the ids that are still the consumer's and marks them, and nothing else, as in hand."""
    _require(redis, incarnation, "spec", "tasks")
    _, group = redis.group(key(incarnation, "tasks"), GROUP)
    if _is_late(redis, rules, incarnation, consumer, number):
        return []
    kept = [entry for entry in ids if group.pending.get(entry, [None])[0] == consumer]
    _mark(redis, incarnation, consumer, number, kept)
    return kept


def _is_late(redis, rules, incarnation, consumer, number):
    old = redis.hgetall(key(incarnation, "workers")).get(consumer + HAND)
    return rules.start_num and old is not None and old[0] > number


def _mark(redis, incarnation, consumer, number, ids):
    name = key(incarnation, "workers")
    redis.hset(name, consumer + HAND, (number, tuple(ids)))
    redis.expire([name])


def _marked(redis, rules, incarnation, holder, entry):
    """Whether the holder began this entry, as far as anybody knows."""
    if not rules.inhand_mark:
        return True
    mark = redis.hgetall(key(incarnation, "workers")).get(holder + HAND)
    if mark is None:
        return not rules.unmarked_free
    return entry in mark[1]


def finish(redis, incarnation, ids, results):
    """Publishes and removes the tasks; None: the run is gone."""
    added = redis.xadd(key(incarnation, "results"), results, True)
    remove_tasks(redis, incarnation, ids)
    return added


def put_back(redis, incarnation, entry, count):
    """The task as a new entry, uncharged; what was charged before travels with it (H9)."""
    name = key(incarnation, "tasks")
    stream, _ = redis.group(name, GROUP)
    task = stream.entries.get(entry)
    if task is not None:
        redis.xadd(name, task._replace(charged=task.charged + count - 1), True)
    remove_tasks(redis, incarnation, [entry])


def hand_back(redis, rules, incarnation, consumer, tasks):
    """Puts back what is still the consumer's; `tasks` are (id, task)."""
    name = key(incarnation, "tasks")
    if rules.hb_owner:
        _require(redis, incarnation, "spec", "tasks")
    for entry, task in tasks:
        group = _group_or_none(redis, incarnation)
        owner, count = group.pending.get(entry, (None, 1)) if group else (None, 1)
        if rules.hb_owner and rules.hb_count:
            if owner == consumer:
                put_back(redis, incarnation, entry, count)
            continue
        if rules.hb_owner and owner != consumer:
            continue
        charged = task.charged + count - 1 if rules.hb_count else 0
        redis.xadd(name, task._replace(charged=charged), rules.hb_owner)
        remove_tasks(redis, incarnation, [entry])


def release_unmarked(redis, rules, incarnation, judged, most):
    """Hands back what a dead holder had not begun (H10); how many."""
    _require(redis, incarnation, "spec", "tasks")
    holder, counter = judged
    if redis.hgetall(key(incarnation, "workers")).get(holder) != counter and rules.claim_check:
        return 0
    rows = [
        (entry, count)
        for entry, count in pending_of(redis, incarnation, holder)
        if not _marked(redis, rules, incarnation, holder, entry)
    ][:most]
    for entry, count in rows:
        put_back(redis, incarnation, entry, count)
    return len(rows)


def reclaim(redis, rules, incarnation, consumer, number, entry, judged, note_claim):
    """One suspect of a dead holder: gone, handed_back, condemned, kept, or the claimed (task, count).

    `judged` is the holder with its counter, `consumer` None condemns only; `note_claim` tells the
    model what is taken from whom.
    """
    _require(redis, incarnation, "spec", "tasks", "results")
    name, workers = key(incarnation, "tasks"), key(incarnation, "workers")
    stream, group = redis.group(name, GROUP)
    holder, counter = judged
    owner, count = group.pending.get(entry, (None, 0))
    if owner is None or owner == consumer:
        return "gone"
    if rules.claim_check and (owner != holder or redis.hgetall(workers).get(holder) != counter):
        return "gone"
    task = stream.entries.get(entry)
    if task is None:  # finished in the meantime
        remove_tasks(redis, incarnation, [entry])
        return "gone"
    if not _marked(redis, rules, incarnation, owner, entry):
        put_back(redis, incarnation, entry, count)
        return "handed_back"
    note_claim(owner, incarnation, entry, task)
    if task.charged + count >= MAX_DELIVERIES:
        crashed = Result(*task.photo, "failed", "crashed_worker", owner)
        redis.xadd(key(incarnation, "results"), [crashed], rules.claim_nomk)
        remove_tasks(redis, incarnation, [entry])
        return "condemned"
    if consumer is None:
        return "kept"
    if _is_late(redis, rules, incarnation, consumer, number):
        return "gone"
    redis.xclaim(name, GROUP, consumer, entry)
    if rules.inhand_mark:
        _mark(redis, incarnation, consumer, number, [entry])
    return task, count + 1
