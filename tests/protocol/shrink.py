"""The shortest case that still fails: fewer faults, smaller sizes, fewer photos."""

from .campaign import SHRINK_TRIES, kind_of, run_seed
from .world import World

SMALLER = (
    ("two", [False]),
    ("poison", [0, 1]),
    ("hang", [0, 1]),
    ("nw", [1, 2]),
    ("prefetch", [1, 2]),
    ("micro", [1, 2]),
    ("window", [4, 8]),
)
FEWER_IMAGES = (2, 3, 5, 8, 12, 20)


class Shrink:
    def __init__(self, seed, rules, kinds=None, want=None, settings=None):
        base = World(seed, rules, kinds, settings=settings)
        self.first_seed = self.seed = seed
        self.rules = rules
        self.faults = base.faults
        self.images = base.images
        self.settings = {
            "window": base.window,
            "nw": len(base.slots),
            "prefetch": base.prefetch,
            "micro": base.micro,
            "two": base.two,
            **(settings or {}),
        }
        self.want = want or self._first_failure(kinds, settings)

    def _first_failure(self, kinds, settings):
        world = run_seed(self.seed, self.rules, kinds=kinds, settings=settings)
        if not world.violations:
            raise ValueError(f"seed {self.seed} does not fail")
        return kind_of(world.violations[0])

    def run(self):
        """The world of the shortest case found, with its trace."""
        while self._fewer_faults() | self._smaller_sizes() | self._fewer_images():
            pass
        return World(
            self.seed,
            self.rules,
            fault_list=self.faults,
            settings=self.settings,
            images=self.images,
            trace=True,
        ).run()

    def _try(self, **change):
        """Keeps the change when some schedule of the case still fails."""
        case = {"faults": self.faults, "settings": self.settings, "images": self.images, **change}
        for attempt in range(SHRINK_TRIES):
            seed = self.first_seed + attempt * 100003
            world = run_seed(
                seed,
                self.rules,
                fault_list=case["faults"],
                settings=case["settings"],
                images=case["images"],
            )
            if any(kind_of(violation) == self.want for violation in world.violations):
                self.seed = seed
                self.faults, self.settings = case["faults"], case["settings"]
                self.images = case["images"]
                return True
        return False

    def _fewer_faults(self):
        changed = False
        for at in range(len(self.faults) - 1, -1, -1):
            changed |= self._try(faults=self.faults[:at] + self.faults[at + 1 :])
        return changed

    def _smaller_sizes(self):
        changed = False
        for name, values in SMALLER:
            for value in values:
                if self.settings.get(name) == value:
                    break
                if self._try(settings={**self.settings, name: value}):
                    changed = True
                    break
        return changed

    def _fewer_images(self):
        return any(self._try(images=count) for count in FEWER_IMAGES if count < self.images)
