"""What Redis executes in one instant: the model of common/redis/scripts/*.lua and of the MULTIs.

The first argument is the server, `rules` says which guards are there.
"""

from .redis_model import RUNS, NoGroup, Result, Task, key, keys
from .timing import MAX_DELIVERIES

GROUP = "workers"
HAND = "#hand"  # field "<consumer>#hand" of :workers: (number, ids)


def delete_runs(redis, incarnations):
    for incarnation in incarnations:
        redis.unlink(keys(incarnation))
        redis.hdel(RUNS, incarnation)


# ---- the scheduler


def make_run_steps(incarnation, run):
    """What makes a run: in one MULTI, or one after the other."""
    return [
        lambda redis: redis.xgroup_create(key(incarnation, "tasks"), GROUP),
        lambda redis: redis.xgroup_create(key(incarnation, "results"), "recorder"),
        lambda redis: redis.hset(key(incarnation, "spec"), "run", run),
        lambda redis: redis.hset(RUNS, incarnation, run),
        lambda redis: redis.expire(keys(incarnation)),
    ]


def make_run(redis, incarnation, run):
    for step in make_run_steps(incarnation, run):
        step(redis)


def presence(redis, rules, incarnation, run):
    """Whether everything of the run is there; a missing registration is written again (7)."""
    spec = key(incarnation, "spec")
    if rules.check_spec and redis.exists(spec):
        redis.hset(RUNS, incarnation, run)
    try:
        redis.group(key(incarnation, "tasks"), GROUP)
        redis.group(key(incarnation, "results"), "recorder")
    except NoGroup:
        return False
    return redis.exists(spec)


def is_listed(redis, incarnation):
    return redis.exists(key(incarnation, "spec")) and incarnation in redis.hgetall(RUNS)


def lengths(redis, incarnation):
    return redis.xlen(key(incarnation, "tasks")), redis.xlen(key(incarnation, "results"))


def work_left(redis, incarnation):
    """Whether tasks has something undelivered or pending, and the length of results."""
    stream, group = redis.group(key(incarnation, "tasks"), GROUP)
    undelivered = any(entry > group.last_delivered for entry in stream.entries)
    return bool(group.pending) or undelivered, redis.xlen(key(incarnation, "results"))


def enqueue(redis, rules, incarnation, fence, task):
    if rules.fence and redis.hgetall(key(incarnation, "spec")).get("fence") != fence:
        return None
    return redis.xadd(key(incarnation, "tasks"), task, rules.nomk_feed)


def snapshot(redis, incarnation, fence):
    """Reconcile's step (2): writes the fence; (last delivered, entries, id -> count of pending)."""
    stream, group = redis.group(key(incarnation, "tasks"), GROUP)
    spec = key(incarnation, "spec")
    if redis.exists(spec):
        redis.hset(spec, "fence", fence)
    counts = {entry: held[1] for entry, held in group.pending.items()}
    return group.last_delivered, dict(stream.entries), counts


def remove_tasks(redis, incarnation, ids):
    redis.xack(key(incarnation, "tasks"), GROUP, ids)
    redis.xdel(key(incarnation, "tasks"), ids)


def remove_ghosts(redis, incarnation, ids):
    redis.xdel(key(incarnation, "tasks"), ids)


def ack_tasks(redis, incarnation, ids):
    redis.xack(key(incarnation, "tasks"), GROUP, ids)


def read_results(redis, incarnation, count):
    stream, _ = redis.group(key(incarnation, "results"), "recorder")
    return list(stream.entries.items())[:count]


def remove_results(redis, name, ids):
    redis.xack(name, "recorder", ids)
    redis.xdel(name, ids)


def idle_consumers(redis, incarnation):
    """Consumers with nothing pending, and every counter."""
    _, group = redis.group(key(incarnation, "tasks"), GROUP)
    owners = {held[0] for held in group.pending.values()}
    idle = [consumer for consumer in sorted(group.consumers) if consumer not in owners]
    return idle, redis.hgetall(key(incarnation, "workers"))


def remove_consumer(redis, rules, incarnation, consumer):
    _, group = redis.group(key(incarnation, "tasks"), GROUP)
    pending = [entry for entry, held in group.pending.items() if held[0] == consumer]
    if rules.delcons == "atomic" and pending:
        return
    group.consumers.discard(consumer)
    for entry in pending:
        del group.pending[entry]
    redis.hdel(key(incarnation, "workers"), consumer, consumer + HAND)


# ---- workers


def has_spec(redis, incarnation):
    return redis.exists(key(incarnation, "spec"))


def forget(redis, incarnation):
    if not redis.exists(key(incarnation, "spec")):
        redis.hdel(RUNS, incarnation)


def beat(redis, rules, incarnation, consumer, counter):
    name = key(incarnation, "workers")
    if rules.beat_guard and not redis.exists(key(incarnation, "spec")):
        return
    is_new = not redis.exists(name)
    redis.hset(name, consumer, counter)
    if is_new and rules.beat_guard:
        redis.expire([name])


def leave(redis, incarnation, consumer):
    redis.hdel(key(incarnation, "workers"), consumer, consumer + HAND)


def read_tasks(redis, incarnation, consumer, count):
    return redis.xreadgroup(key(incarnation, "tasks"), GROUP, consumer, count)


def own_of(redis, incarnation, consumer, ids):
    """Those of `ids` that are still the consumer's."""
    _, group = redis.group(key(incarnation, "tasks"), GROUP)
    return [entry for entry in ids if group.pending.get(entry, [None])[0] == consumer]


def strays(redis, incarnation, consumer, held):
    """The consumer's pending entries that it does not hold; those without an entry are removed."""
    stream, group = redis.group(key(incarnation, "tasks"), GROUP)
    mine = [entry for entry, of in group.pending.items() if of[0] == consumer and entry not in held]
    for entry in mine:
        if entry not in stream.entries:
            del group.pending[entry]
    return [(entry, stream.entries[entry]) for entry in mine if entry in stream.entries]


def start(redis, rules, incarnation, consumer, number, ids):
    """Keeps the ids that are still the consumer's and marks them as in hand; None: no such run."""
    if not redis.exists(key(incarnation, "spec")):
        return None
    if _is_late(redis, rules, incarnation, consumer, number):
        return []
    kept = own_of(redis, incarnation, consumer, ids)
    _mark(redis, incarnation, consumer, number, kept)
    return kept


def _is_late(redis, rules, incarnation, consumer, number):
    old = redis.hgetall(key(incarnation, "workers")).get(consumer + HAND)
    return rules.start_num and old is not None and old[0] > number


def _mark(redis, incarnation, consumer, number, ids):
    name = key(incarnation, "workers")
    redis.hset(name, consumer + HAND, (number, tuple(ids)))
    redis.expire([name])


def finish(redis, incarnation, ids, results):
    """Publishes and removes the tasks; None: the run is gone."""
    added = redis.xadd(key(incarnation, "results"), results, True)
    remove_tasks(redis, incarnation, ids)
    return added


def hand_back(redis, rules, incarnation, consumer, held):
    """Puts tasks back; `held` are (id, task)."""
    name = key(incarnation, "tasks")
    for entry, task in held:
        if rules.hb_owner:
            stream, group = redis.group(name, GROUP)
            if group.pending.get(entry, [None])[0] != consumer or entry not in stream.entries:
                continue
        charged = task.charged + _count(redis, name, entry) - 1 if rules.hb_count else 0
        redis.xadd(name, task._replace(charged=charged), rules.hb_owner)
        remove_tasks(redis, incarnation, [entry])


def _count(redis, name, entry):
    try:
        _, group = redis.group(name, GROUP)
    except NoGroup:
        return 1
    return group.pending[entry][1] if entry in group.pending else 1


def suspects(redis, incarnation):
    """(id, owner, count) of all that is pending, and every counter."""
    pending = redis.xpending(key(incarnation, "tasks"), GROUP)
    return pending, redis.hgetall(key(incarnation, "workers"))


def reclaim(redis, rules, incarnation, consumer, number, entry, judged, note_claim):
    """One suspect of a dead holder: gone, freed, condemned, or the claimed (task, count).

    `judged` is the holder with its counter; `note_claim(owner, entry, task)` tells the model what
    is taken from whom.
    """
    holder, counter = judged
    name, workers = key(incarnation, "tasks"), key(incarnation, "workers")
    stream, group = redis.group(name, GROUP)
    if entry not in group.pending:
        return "gone"
    owner, count = group.pending[entry]
    if rules.claim_check:
        if owner != holder or redis.hgetall(workers).get(holder) != counter:
            return "gone"
    elif owner == consumer:
        return "gone"
    if entry not in stream.entries:
        del group.pending[entry]
        return "gone"
    task = stream.entries[entry]
    if rules.inhand_mark:
        mark = redis.hgetall(workers).get(owner + HAND)
        if mark is not None and entry not in mark[1]:  # its holder never began it
            back = Task(task.run, task.image, task.attempt, task.charged + count - 1)
            if redis.xadd(name, back, True):
                remove_tasks(redis, incarnation, [entry])
            return "freed"
    note_claim(owner, entry, task)
    if task.charged + count >= MAX_DELIVERIES:
        crashed = Result(*task.photo, "failed", "crashed_worker", consumer)
        if redis.xadd(key(incarnation, "results"), [crashed], rules.claim_nomk) is None:
            return "gone"
        remove_tasks(redis, incarnation, [entry])
        return "condemned"
    if rules.inhand_mark and _is_late(redis, rules, incarnation, consumer, number):
        return "gone"
    claimed = redis.xclaim(name, GROUP, consumer, entry)
    if claimed and rules.inhand_mark:
        _mark(redis, incarnation, consumer, number, [entry])
    return claimed
