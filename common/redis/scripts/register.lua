-- register: lists a run for workers, only where its spec is.
-- KEYS spec runs   ARGV incarnation line expiry_s   returns 1, or the error RUNGONE
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('RUNGONE no spec')
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
