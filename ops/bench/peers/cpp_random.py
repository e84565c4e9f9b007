"""C++'s seed_seq and mt19937_64, as far as photoscribe-train's order of photos needs them (models/train/trainer.cpp)."""

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def seed_seq(values, count):
    """What std::seed_seq of 32-bit `values` generates: `count` numbers, fewer than seven."""
    made, size = [0x8B8B8B8B] * count, len(values)
    middle = (count - 1) // 2
    p = (count - middle) // 2
    q = p + middle
    steps = max(size + 1, count)
    for k in range(steps + count):
        i, j, l, before = k % count, (k + p) % count, (k + q) % count, (k - 1) % count
        if k < steps:
            x = made[i] ^ made[j] ^ made[before]
            first = 1664525 * (x ^ x >> 27) & MASK32
            second = first + (size if k == 0 else i + (values[k - 1] if k <= size else 0)) & MASK32
            made[j] = made[j] + first & MASK32
            made[l] = made[l] + second & MASK32
        else:
            x = made[i] + made[j] + made[before] & MASK32
            first = 1566083941 * (x ^ x >> 27) & MASK32
            second = first - i & MASK32
            made[j] ^= first
            made[l] ^= second
        made[i] = second
    return made


class Mt19937_64:
    SIZE, SHIFT = 312, 156

    def __init__(self, seed):
        self.state, self.at = [seed], self.SIZE
        for i in range(1, self.SIZE):
            last = self.state[-1]
            self.state.append(6364136223846793005 * (last ^ last >> 62) + i & MASK64)

    def __call__(self):
        if self.at == self.SIZE:
            self.twist()
        x = self.state[self.at]
        self.at += 1
        x ^= x >> 29 & 0x5555555555555555
        x ^= x << 17 & 0x71D67FFFEDA60000
        x ^= x << 37 & 0xFFF7EEE000000000
        return x ^ x >> 43

    def twist(self):
        s = self.state
        for i in range(self.SIZE):
            x = s[i] & ~0x7FFFFFFF & MASK64 | s[(i + 1) % self.SIZE] & 0x7FFFFFFF
            s[i] = s[(i + self.SHIFT) % self.SIZE] ^ x >> 1 ^ (0xB5026F5AA96619E9 if x & 1 else 0)
        self.at = 0


def epoch_order(photos, seed, epoch):
    """The numbers below `photos` in the order in which `photoscribe-train fit` shows them in the first stage's `epoch`."""
    two = seed_seq([seed & MASK32, seed >> 32, 1, epoch], 2)
    random = Mt19937_64(two[0] << 32 | two[1])
    order = list(range(photos))
    for i in range(photos, 1, -1):
        j = random() % i
        order[i - 1], order[j] = order[j], order[i - 1]
    return order
