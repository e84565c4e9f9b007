-- enqueue: adds tasks while the fence is the scheduler's (H7) and the keys are there (H4).
-- KEYS spec state tasks   ARGV fence (image attempt root path deliveries member)...   deliveries 0, member '': left out
-- returns how many were added; -1 when the fence is another's; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[3]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then return -1 end
local call, tasks, argv = redis.call, KEYS[3], ARGV
for k = 2, #argv, 6 do
  local i, a, r, p, d, m = argv[k], argv[k + 1], argv[k + 2], argv[k + 3], argv[k + 4], argv[k + 5]
  if d == '0' and m == '' then
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', i, 'a', a, 'r', r, 'p', p)
  elseif m == '' then
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', i, 'a', a, 'r', r, 'p', p, 'd', d)
  elseif d == '0' then
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', i, 'a', a, 'r', r, 'p', p, 'm', m)
  else
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', i, 'a', a, 'r', r, 'p', p, 'm', m, 'd', d)
  end
end
return (#argv - 1) / 6
