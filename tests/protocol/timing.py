"""How long things last in the model, in its own ticks."""

LEASE = 600
BEAT = 30
MAX_DELIVERIES = 3
GRACE = 4000  # after everything is final, in which what is late may still do harm

LIST_EVERY = 40  # a worker's look at the list of runs
CANCEL_PATIENCE = 300 + LEASE  # without a result of what is in hand
STOP_LIMIT = 120  # of a clean stop, for what is in work
GOODBYE = 60  # past it, for the last hand-back
