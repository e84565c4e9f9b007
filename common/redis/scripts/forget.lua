-- forget: takes a run without spec off the list (H11).
-- KEYS spec runs   ARGV incarnation   returns 1 when it was taken off, else 0
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
return redis.call('HDEL', KEYS[2], ARGV[1])
