"""How long things last in the model, in its own ticks."""

LEASE = 600
BEAT = 30
MAX_DELIVERIES = 3
GRACE = 4000  # after everything is final, in which what is late may still do harm
