-- in_hand (a fragment in front of other scripts): the ids that `holder` marked before it began them (H10), as a set.
-- The mark is field "<holder>#hand" of :workers, "<number> <id> <id> ...".
local function in_hand(workers, holder)
  local set = {}
  local mark = redis.call('HGET', workers, holder .. '#hand')
  if mark then
    for id in string.gmatch(mark, '%d+%-%d+') do set[id] = true end
  end
  return set
end

