-- presence: which keys of a run are there. A key of another type than ours counts as a lost group: the run needs new keys.
-- KEYS spec tasks results state runs workers seen seen_before   ARGV group incarnation
-- returns {spec, tasks, group, results, registered, fence or ''}, the first five 0 or 1
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return nil, true end
  return answer, false
end
local group, sound = 0, true
if redis.call('EXISTS', KEYS[2]) == 1 then
  local groups, wrong = try('XINFO', 'GROUPS', KEYS[2])
  for _, about in ipairs(groups or {}) do
    if about[2] == ARGV[1] then group = 1 end
  end
  sound = not wrong
end
for _, look in ipairs({{'GET', KEYS[1]}, {'XLEN', KEYS[3]}, {'HLEN', KEYS[6]}, {'HLEN', KEYS[7]}, {'HLEN', KEYS[8]}}) do
  local _, wrong = try(unpack(look))
  sound = sound and not wrong
end
local fence, no_state = try('HGET', KEYS[4], 'fence')
local registered, no_runs = try('HEXISTS', KEYS[5], ARGV[2])
if no_runs then
  return redis.error_reply('ERR photoscribe:runs is no hash: another program uses the keys of photoscribe, choose another database (/1)')
end
return {redis.call('EXISTS', KEYS[1]), redis.call('EXISTS', KEYS[2]), (sound and not no_state) and group or 0,
        redis.call('EXISTS', KEYS[3]), registered, fence or ''}
