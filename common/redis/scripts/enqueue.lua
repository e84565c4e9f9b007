-- enqueue: adds tasks while the fence is the scheduler's (H7) and the keys are there (H4).
-- KEYS spec state tasks   ARGV fence (image attempt root path deliveries)...
-- returns how many were added; -1 when the fence is another's; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[3]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then return -1 end
local call, tasks, argv = redis.call, KEYS[3], ARGV
for k = 2, #argv, 5 do
  if argv[k + 4] == '0' then
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', argv[k], 'a', argv[k + 1], 'r', argv[k + 2], 'p', argv[k + 3])
  else
    call('XADD', tasks, 'NOMKSTREAM', '*', 'i', argv[k], 'a', argv[k + 1], 'r', argv[k + 2], 'p', argv[k + 3],
         'd', argv[k + 4])
  end
end
return (#argv - 1) / 5
