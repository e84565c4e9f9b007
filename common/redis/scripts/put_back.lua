-- put_back (a fragment in front of other scripts): the task of entry `id` as a new entry, uncharged.
-- `count` is the pending list's count of the entry; the deliveries charged before it travel in field `d` (H9).
-- Returns 1, or 0 when the entry is gone from the stream (then only its pending mark is taken away).
local function put_back(tasks, group, id, count)
  local entry = redis.call('XRANGE', tasks, id, id)[1]
  if not entry then
    redis.call('XACK', tasks, group, id)
    return 0
  end
  local words, charged = {}, count - 1
  for k = 1, #entry[2], 2 do
    if entry[2][k] == 'd' then
      charged = charged + (tonumber(entry[2][k + 1]) or 0)
    else
      words[#words + 1] = entry[2][k]
      words[#words + 1] = entry[2][k + 1]
    end
  end
  if charged > 0 then
    words[#words + 1] = 'd'
    words[#words + 1] = charged
  end
  redis.call('XADD', tasks, 'NOMKSTREAM', '*', unpack(words))
  redis.call('XACK', tasks, group, id)
  redis.call('XDEL', tasks, id)
  return 1
end

