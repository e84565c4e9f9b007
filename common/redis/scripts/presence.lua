-- presence: which keys of a run are there.
-- KEYS spec tasks results state runs   ARGV group incarnation
-- returns {spec, tasks, group, results, registered, fence or ''}, the first five 0 or 1
local group = 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  for _, about in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
    if about[2] == ARGV[1] then group = 1 end
  end
end
return {redis.call('EXISTS', KEYS[1]), redis.call('EXISTS', KEYS[2]), group, redis.call('EXISTS', KEYS[3]),
        redis.call('HEXISTS', KEYS[5], ARGV[2]), redis.call('HGET', KEYS[4], 'fence') or ''}
