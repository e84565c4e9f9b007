-- report: what a worker tells of itself, with the server's time. The list goes when nobody reports any more.
-- KEYS fleet   ARGV worker report expiry_s   returns 1
redis.call('HSET', KEYS[1], ARGV[1], redis.call('TIME')[1] .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
