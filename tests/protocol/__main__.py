"""The randomised model of the queue protocol (ops/docs/protocol.md). From the folder tests/:

python3 -m protocol run     [--variant V] [--seeds A:B] [--kinds K,K] [--stop]
python3 -m protocol shrink  --seed N [--variant V] [--want I1]   the shortest case, and its trace
python3 -m protocol ablate  [--seeds A:B] [--targeted]           each rule off alone
python3 -m protocol rates   [--seeds A:B]                        work done again, by kind of fault
python3 -m protocol sweep   [--kinds K,K]                        one fault at each step of a small run

python3 -m protocol blind                                        status 1 if a rule off goes unseen

A variant: fixed (all rules), today (all that the code keeps), no:FLAG[,FLAG] (without these;
rules.py), written (the first text). run and sweep end with status 1 when an invariant is broken.
"""

import argparse
import sys

from . import campaign
from .rules import variant
from .shrink import Shrink
from .timing import MAX_DELIVERIES

VERBS = {}


def verb(function):
    VERBS[function.__name__] = function
    return function


@verb
def run(options):
    tally = campaign.Campaign(
        options.variant, kinds=options.kinds, count=options.faults, settings=options.settings
    ).run(options.seeds, stop=options.stop, budget=options.budget)
    print(f"{options.name}: {tally}")
    for kind, (seed, violation) in sorted(tally.first.items()):
        print(f"    {kind}: seed {seed}: {violation}")
    return 1 if tally.failures else 0


@verb
def shrink(options):
    case = Shrink(options.seed, options.variant, options.kinds, options.want, options.settings)
    world = case.run()
    print(f"images {case.images}, sizes {case.settings}, seed {case.seed}, faults {case.faults}")
    print("\n".join(world.violations))
    print("\n".join(world.trace[-options.lines :]))
    return 0


@verb
def ablate(options):
    only = options.only.split("/") if options.only else None
    for off, tally in campaign.ablate(options.seeds, options.targeted, only, options.budget):
        seeds = {kind: seed for kind, (seed, _) in tally.first.items()}
        print(f"no:{off:<14} {tally}; first seeds {seeds}", flush=True)
    return 0


@verb
def rates(options):
    for kind, tally, faults in campaign.rates(options.variant, options.seeds):
        per = max(1, faults)
        print(
            f"{kind:<15} per fault: started again after recorded {tally.again / per:.3f}, "
            f"computed more than once {tally.computed_twice / per:.3f} "
            f"({faults} faults, {tally.starts} starts); broken: {dict(tally.failures) or '-'}",
            flush=True,
        )
    return 0


@verb
def sweep(options):
    runs, failures, first = campaign.sweep(options.variant, options.kinds)
    print(f"{options.name} sweep: {runs} runs, failures {dict(failures) or 'NONE'}")
    for case, where in first.items():
        print("   ", case, where)
    return 1 if failures else 0


@verb
def blind(options):
    spots = list(campaign.blind_spots())
    for off, want in spots:
        print(f"without the rule {off} no seed breaks {want}: does the model still look?")
    if not spots:
        print(f"{len(campaign.MUST_FAIL)} rules off, each broken as it must be")
    return 1 if spots else 0


def seed_range(text):
    first, _, last = text.partition(":")
    return range(int(first), int(last))


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="protocol", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--variant", dest="name", default="fixed")
    parser.add_argument("--seeds", type=seed_range, default=range(300), metavar="A:B")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="of faults (faults.py)")
    parser.add_argument("--faults", type=int, help="how many in each seed")
    parser.add_argument("--stop", action="store_true", help="at the first failure")
    parser.add_argument("--budget", type=float, help="seconds, for each line of output")
    parser.add_argument("--targeted", action="store_true", help="under the faults that show it")
    parser.add_argument("--only", help="ablate these alone: FLAG/FLAG,FLAG/…")
    parser.add_argument("--want", help="shrink: the invariant to break, such as I3b")
    parser.add_argument("--lines", type=int, default=120, help="of the trace")
    parser.add_argument("--poison", type=int, help=f"photos that kill, {MAX_DELIVERIES} times each")
    parser.add_argument("--hang", type=int, help="photos that never end")
    options = parser.parse_args(arguments)
    options.variant = variant(options.name)
    sizes = {"poison": options.poison, "hang": options.hang}
    options.settings = {name: value for name, value in sizes.items() if value is not None}
    return options


def main(arguments):
    options = parse(arguments)
    return VERBS[options.verb](options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
