-- fence: writes reconcile's new fence, so that what was sent under the old one has no effect any more (H7).
-- KEYS spec state   ARGV fence expiry_s   returns the fence before, or ''; or the error RUNGONE
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('RUNGONE no spec')
end
local old = redis.call('HGET', KEYS[2], 'fence') or ''
redis.call('HSET', KEYS[2], 'fence', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return old
