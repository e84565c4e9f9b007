-- put_back (a fragment in front of other scripts): the task of entry `id` as a new entry, uncharged.
-- `count` is the pending list's count of the entry; the deliveries charged before it travel in field `d` (H9).
-- Returns 1, or 0 when there is no task (gone, or an entry that nobody could do): then only the old one is removed.
local function put_back(tasks, group, id, count)
  local entry = redis.call('XRANGE', tasks, id, id)[1]
  local task = {}
  if entry then
    for k = 1, #entry[2], 2 do task[entry[2][k]] = entry[2][k + 1] end
  end
  local whole = task.i and task.a and task.r and task.p
  if whole then
    local charged = (tonumber(task.d) or 0) + count - 1
    local fields = {'i', task.i, 'a', task.a, 'r', task.r, 'p', task.p}
    if task.m then fields[#fields + 1], fields[#fields + 2] = 'm', task.m end
    if charged > 0 then fields[#fields + 1], fields[#fields + 2] = 'd', charged end
    redis.call('XADD', tasks, 'NOMKSTREAM', '*', unpack(fields))
  end
  redis.call('XACK', tasks, group, id)
  redis.call('XDEL', tasks, id)
  return whole and 1 or 0
end

