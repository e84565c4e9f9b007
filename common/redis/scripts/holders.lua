-- holders: every consumer of the group and every worker that beats: pending entries and counter, of one instant.
-- KEYS spec tasks workers   ARGV group   returns {name, pending, counter or '', ...}; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
local counters, list = {}, {}
local fields = redis.call('HGETALL', KEYS[3])
for k = 1, #fields, 2 do
  if not string.find(fields[k], '#', 1, true) then counters[fields[k]] = fields[k + 1] end
end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[2], ARGV[1])) do
  local about = {}
  for k = 1, #consumer, 2 do about[consumer[k]] = consumer[k + 1] end
  list[#list + 1] = about.name
  list[#list + 1] = about.pending
  list[#list + 1] = counters[about.name] or ''
  counters[about.name] = nil
end
for name, counter in pairs(counters) do  -- a consumer is made by its first task only
  list[#list + 1] = name
  list[#list + 1] = 0
  list[#list + 1] = counter
end
return list
