"""Many seeds: what fails, what fails without a rule, and how much work is done twice."""

import collections
import time

from .faults import KINDS
from .rules import NAMES, variant
from .world import World

SHRINK_TRIES = 20  # other schedules of the same smaller case


def run_seed(seed, rules, **options):
    return World(seed, rules, **options).run()


def kind_of(violation):
    """I1 … I7, and I3b for poison."""
    return violation.split()[0] + ("b" if violation.startswith("I3 poison") else "")


class Campaign:
    """The tally of many seeds under the same rules."""

    def __init__(self, rules, **options):
        self.rules = rules
        self.options = options
        self.seeds = self.again = self.computed_twice = self.starts = self.unjust = 0
        self.copied = self.given_up = self.begun_paused = 0
        self.failures = collections.Counter()  # kind -> seeds
        self.first = {}  # kind -> (seed, violation)
        self.seconds = 0.0

    def run(self, seeds, stop=False, budget=None):
        """`stop` at the first failure, or after `budget` seconds."""
        begin = time.monotonic()
        for seed in seeds:
            violations = self.run_one(seed)
            self.seconds = time.monotonic() - begin
            if (stop and violations) or (budget and self.seconds > budget):
                break
        return self

    def run_one(self, seed):
        world = run_seed(seed, self.rules, **self.options)
        self.seeds += 1
        self.again += world.again
        self.computed_twice += world.computed_twice
        self.starts += world.starts_total
        self.unjust += world.unjust
        self.copied += world.copied
        self.given_up += world.given_up
        self.begun_paused += world.begun_paused
        for violation in reversed(world.violations):
            self.first.setdefault(kind_of(violation), (seed, violation))
        self.failures.update({kind_of(violation) for violation in world.violations})
        return world.violations

    def __str__(self):
        failed = dict(sorted(self.failures.items())) or "NONE"
        return (
            f"{self.seeds} seeds in {self.seconds:.0f} s; failing by invariant: {failed}; "
            f"started again {self.again}, computed twice {self.computed_twice} "
            f"of {self.starts} starts; begun while paused {self.begun_paused}; copied {self.copied}; "
            f"runs given up {self.given_up}; false deaths {self.unjust}"
        )


# Rules whose loss only certain faults show: (rules off, kinds of faults, how many, sizes).
TARGETED = [
    ("adopt", ["wconn"], 12, {"nw": 2, "poison": 0, "hang": 0}),
    ("adopt", ["rewind"], 3, None),
    ("adopt_idle", ["wconn"], 12, {"nw": 1, "poison": 0, "hang": 0}),
    ("rec_plain", ["sconn", "flush"], 8, None),
    ("hb_owner", ["wpause", "wcut", "wstop"], 30, {"ptime": 80, "prefetch": 8}),
    ("hb_count", ["wstop"], 30, {"poison": 3, "ptime": 80}),
    ("win_sqlite", ["slowdb", "flush"], 5, None),
    ("del_first", ["rewind"], 4, None),
    ("seq", ["redo_all"], 1, None),
    ("seq", ["redo", "add"], 3, None),
    ("nomk_feed,nogroup_lost", ["flush"], 2, None),
    ("nogroup_lost", ["flush", "keydel"], 3, None),
    ("beat_guard", ["wcrash"], 0, None),
    ("judge_reset", ["outage"], 8, {"nw": 4, "ptime": 150, "poison": 0}),
    ("rec_every", ["sconn"], 8, None),
    ("delcons", ["wpause", "wcut"], 25, {"nw": 4}),
    ("delcons,trig_group", ["wpause", "wcut"], 25, {"nw": 4}),
    ("past_inc", ["flush", "rewind", "scrash"], 8, None),
    ("runs_clean", ["flush", "rewind", "scrash"], 8, None),
    (
        "inhand_mark",
        ["wcrash"],
        60,
        {"nw": 2, "prefetch": 8, "micro": 1, "poison": 0, "hang": 0, "ptime": 150},
    ),
    (
        "unmarked_free",
        ["wcrash"],
        60,
        {"nw": 2, "prefetch": 8, "micro": 1, "poison": 0, "hang": 0, "ptime": 150},
    ),
    ("start_num", ["wconn"], 40, {"poison": 3, "nw": 2, "prefetch": 4}),
    ("claim_check", ["wpause"], 20, {"nw": 5, "ptime": 80}),
    ("dedup", ["conn", "scrash"], 12, None),
    ("wk_nogroup", ["flush", "keydel"], 4, {"two": True}),
    ("drain", ["sconn", "restart"], 12, None),
    ("fill_multi", ["scrash", "rewind", "flush"], 12, None),
    ("newname,adopt", ["wcrash"], 6, None),
    ("hang_publish", ["wcrash"], 0, {"hang": 1}),
    ("check_spec", ["keydel"], 3, None),
    ("pairs,rm_not_s", ["redo", "rewind", "scrash"], 6, None),
    ("resume_reconciles", ["pause"], 4, None),
    ("pause_again", ["pause", "wcrash", "wstop"], 12, {"nw": 4, "prefetch": 4}),
    ("withdraw_unmarked", ["pause"], 12, {"poison": 3}),
    ("withdraw_fence", ["pause", "sconn"], 14, {"poison": 3}),
    ("charges_kept", ["pause", "wstop"], 60, {"poison": 3, "ptime": 80}),
    ("seen_first", ["redo"], 3, None),
    ("seen_guard", ["sconn"], 20, {"twins": 0}),
    ("seen_settings", ["settings", "add"], 10, {"twins": 0.9}),
    ("spec_settings", ["settings", "add"], 6, None),
    ("seen_dropped", ["memory"], 3, None),
    ("broken_limit", ["wcrash"], 0, {"garbled": True}),
    ("rounds_limit", ["unreadable"], 1, None),
    ("past_first", ["settings", "memory"], 6, None),
    ("judge_writes", ["memory"], 6, {"nw": 4, "poison": 0}),
]


def ablate(seeds, targeted=False, only=None, budget=None):
    """(variant, campaign) with each rule off alone; `targeted` under the faults that show it."""
    cases = TARGETED if targeted else [(name, None, None, None) for name in NAMES]
    for off, kinds, count, settings in cases:
        if only and off not in only:
            continue
        campaign = Campaign(variant("no:" + off), kinds=kinds, count=count, settings=settings)
        yield off, campaign.run(seeds, budget=budget)


# Cases that must fail, or the model has gone blind: (rule off, seed, kinds, faults, sizes, failure).
MUST_FAIL = [
    ("adopt", range(20), ["wconn"], 12, {"nw": 2, "poison": 0, "hang": 0}, "I1"),
    ("hang_publish", range(3), ["wcrash"], 0, {"hang": 1}, "I1"),
    ("beat_guard", range(3), ["wcrash"], 0, None, "I6"),
    ("seq", range(3), ["redo_all"], 1, None, "I4"),
    ("withdraw_unmarked", range(6), ["pause"], 12, {"poison": 3}, "I3b"),
    ("seen_first", range(3), ["redo"], 3, None, "I7"),
    ("rounds_limit", range(3), ["unreadable"], 1, None, "I9"),
]


def blind_spots():
    """Those of MUST_FAIL that do not: (rule off, invariant)."""
    for off, seeds, kinds, count, settings, want in MUST_FAIL:
        tally = Campaign(
            variant("no:" + off),
            kinds=kinds,
            count=count,
            settings=settings,
            images=20,
            patience=10000,
        )
        for seed in seeds:
            tally.run_one(seed)
            if want in tally.failures:
                break
        else:
            yield off, want


def rates(rules, seeds):
    """I5 by kind of fault, three of it a seed: (kind, photos, faults, campaign)."""
    for kind in ("none",) + tuple(KINDS):
        of = {"kinds": ["wcrash"], "count": 0} if kind == "none" else {"kinds": [kind], "count": 3}
        campaign = Campaign(rules, settings={"poison": 0, "hang": 0}, **of)
        yield kind, campaign.run(seeds), of["count"] * campaign.seeds


SWEEPS = [  # (sizes, images, ticks, step)
    ({"two": False, "poison": 0}, 10, 900, 1),
    ({"two": True, "poison": 1}, 8, 700, 3),
]
SWEEP_SIZES = {"window": 8, "nw": 2, "prefetch": 4, "micro": 2, "hang": 0}


def sweep(rules, kinds):
    """One fault of each kind at every step of two small runs: (runs, (kind, violation) -> first)."""
    runs, failures, first = 0, collections.Counter(), {}
    for sizes, images, ticks, step in SWEEPS:
        for kind in kinds or KINDS:
            for tick in range(2, ticks, step):
                chance = ((tick * 2654435761 + 12345) % 1000003) / 1000003.0
                world = run_seed(
                    tick % 17,
                    rules,
                    fault_list=[(tick, kind, chance)],
                    settings={**SWEEP_SIZES, **sizes},
                    images=images,
                )
                runs += 1
                for violation in world.violations:
                    case = (kind, kind_of(violation))
                    failures[case] += 1
                    first.setdefault(case, (sizes, tick, violation))
    return runs, failures, first
