-- remove_consumer: takes a consumer's fields away, and the consumer, but never one with pending entries (H8).
-- KEYS tasks workers   ARGV group consumer judge (1: only if its counter is the one given) counter ('' for none)
-- returns 1 when nothing of it is left, else 0
if ARGV[3] == '1' and (redis.call('HGET', KEYS[2], ARGV[2]) or '') ~= ARGV[4] then return 0 end
local rows = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
local gone = rows.err ~= nil  -- NOGROUP: there is no such run any more
if ARGV[3] == '1' and not gone and #rows > 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[2], ARGV[2] .. '#hand')
if gone then return 1 end
if #rows > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
