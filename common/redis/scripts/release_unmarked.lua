-- release_unmarked: hands back what a dead holder had not begun (H10). Needs put_back, in_hand.
-- KEYS spec tasks workers   ARGV group holder counter ('' for none) count
-- returns how many; 0 when the counter is not the one judged (H12); or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
if (redis.call('HGET', KEYS[3], ARGV[2]) or '') ~= ARGV[3] then return 0 end
local marked, marks, done, most = in_hand(KEYS[3], ARGV[2]), 0, 0, tonumber(ARGV[4])
for _ in pairs(marked) do marks = marks + 1 end
local rows = redis.call('XPENDING', KEYS[2], ARGV[1], '-', '+', most + marks, ARGV[2])
for k = 1, #rows do
  if done < most and not marked[rows[k][1]] then
    put_back(KEYS[2], ARGV[1], rows[k][1], rows[k][4])
    done = done + 1
  end
end
return done
