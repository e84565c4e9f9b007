-- beat: moves a worker's counter, only where the run is (H11).
-- KEYS spec workers   ARGV consumer counter expiry_s   returns 1, or the error RUNGONE
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('RUNGONE no spec')
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if redis.call('TTL', KEYS[2]) < 0 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
return 1
