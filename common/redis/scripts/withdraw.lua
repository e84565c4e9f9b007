-- withdraw: takes out what no worker has begun (a pause): tasks that wait, and those that were read but not marked in
-- hand (H10); a worker drops the latter at its START. Under the fence only (H7). Needs in_hand.
-- KEYS spec state tasks workers   ARGV fence group count
-- returns {how many, image, attempt, deliveries charged, ...} with the charged ones only; {-1} when the fence is
-- another's; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[3]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then return {-1} end
local delivered
for _, about in ipairs(redis.call('XINFO', 'GROUPS', KEYS[3])) do
  local row = {}
  for k = 1, #about, 2 do row[about[k]] = about[k + 1] end
  if row.name == ARGV[2] then delivered = row['last-delivered-id'] end
end
if not delivered then return redis.error_reply('RUNGONE no group') end
local most, done, answer = tonumber(ARGV[3]), 0, {0}
local function note(fields, charged)
  local task = {}
  for k = 1, #fields, 2 do task[fields[k]] = fields[k + 1] end
  charged = charged + (tonumber(task.d) or 0)
  if charged > 0 and task.i and task.a then
    answer[#answer + 1] = task.i
    answer[#answer + 1] = task.a
    answer[#answer + 1] = charged
  end
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '(' .. delivered, '+', 'COUNT', most)) do
  note(entry[2], 0)
  redis.call('XDEL', KEYS[3], entry[1])
  done = done + 1
end
if done < most then
  local marked, marks = {}, 0
  local fields = redis.call('HGETALL', KEYS[4])
  for k = 1, #fields, 2 do
    local holder = string.match(fields[k], '^(.*)#hand$')
    if holder then
      for id in pairs(in_hand(KEYS[4], holder)) do
        marked[id] = true
        marks = marks + 1
      end
    end
  end
  for _, row in ipairs(redis.call('XPENDING', KEYS[3], ARGV[2], '-', '+', most - done + marks)) do
    if done < most and not marked[row[1]] then
      local entry = redis.call('XRANGE', KEYS[3], row[1], row[1])[1]
      if entry then note(entry[2], row[4] - 1) end
      redis.call('XACK', KEYS[3], ARGV[2], row[1])
      redis.call('XDEL', KEYS[3], row[1])
      done = done + 1
    end
  end
end
answer[1] = done
return answer
