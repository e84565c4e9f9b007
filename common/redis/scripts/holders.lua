-- holders: every consumer of the group, its pending entries and its counter, of one instant.
-- KEYS spec tasks workers   ARGV group   returns {name, pending, counter or '', ...}; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
local list = {}
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[2], ARGV[1])) do
  local about = {}
  for k = 1, #consumer, 2 do about[consumer[k]] = consumer[k + 1] end
  list[#list + 1] = about.name
  list[#list + 1] = about.pending
  list[#list + 1] = redis.call('HGET', KEYS[3], about.name) or ''
end
return list
