-- fleet: what workers report, and how many seconds ago; forgets those that have been silent for long.
-- KEYS fleet   ARGV forget_after_s (0: none)   returns {worker, age_s, report, ...}
local now, list = tonumber(redis.call('TIME')[1]), {}
local fields = redis.call('HGETALL', KEYS[1])
for k = 1, #fields, 2 do
  local at, report = string.match(fields[k + 1], '^(%d+) (.*)$')
  local age = at and math.max(0, now - tonumber(at))
  if not age or (tonumber(ARGV[1]) > 0 and age > tonumber(ARGV[1])) then
    if tonumber(ARGV[1]) > 0 then redis.call('HDEL', KEYS[1], fields[k]) end
  else
    list[#list + 1] = fields[k]
    list[#list + 1] = age
    list[#list + 1] = report
  end
end
return list
