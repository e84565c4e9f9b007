-- start: keeps the ids still in the consumer's name and marks them, and nothing else, as in hand (H10).
-- KEYS spec tasks workers   ARGV group consumer number expiry_s id... (ascending)
-- returns the ids kept; none when a higher number has been here; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
local field = ARGV[2] .. '#hand'
local old = redis.call('HGET', KEYS[3], field)
if old and tonumber(string.match(old, '^%d+')) > tonumber(ARGV[3]) then return {} end
local kept, own = {}, {}
if #ARGV >= 5 then
  local rows = redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[5], ARGV[#ARGV], 1000000, ARGV[2])
  for k = 1, #rows do own[rows[k][1]] = true end
  for k = 5, #ARGV do
    if own[ARGV[k]] then kept[#kept + 1] = ARGV[k] end
  end
end
redis.call('HSET', KEYS[3], field, ARGV[3] .. ' ' .. table.concat(kept, ' '))
if redis.call('TTL', KEYS[3]) < 0 then redis.call('EXPIRE', KEYS[3], ARGV[4]) end
return kept
