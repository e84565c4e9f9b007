-- look: the scheduler's idle look (H4, H8); renews the expiry of every key. WRONGTYPE where one is not what it was.
-- KEYS runs spec tasks results state workers seen seen_before   ARGV group incarnation expiry_s
-- returns {registered, last id of tasks or '', last-delivered id, pending, XLEN tasks, XLEN results, first id of tasks or '', now in ms};
-- or the error RUNGONE
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) < 3 then
  return redis.error_reply('RUNGONE no spec or no streams')
end
redis.call('GET', KEYS[2])
redis.call('HGET', KEYS[5], 'fence')
redis.call('HLEN', KEYS[6])
local delivered, pending
for _, about in ipairs(redis.call('XINFO', 'GROUPS', KEYS[3])) do
  local row = {}
  for k = 1, #about, 2 do row[about[k]] = about[k + 1] end
  if row.name == ARGV[1] then delivered, pending = row['last-delivered-id'], row.pending end
end
if not delivered then return redis.error_reply('RUNGONE no group') end
for k = 1, #KEYS do redis.call('EXPIRE', KEYS[k], ARGV[3]) end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
local now = redis.call('TIME')
return {redis.call('HEXISTS', KEYS[1], ARGV[2]), last and last[1] or '', delivered, pending,
        redis.call('XLEN', KEYS[3]), redis.call('XLEN', KEYS[4]), first and first[1] or '',
        now[1] * 1000 + math.floor(now[2] / 1000)}
