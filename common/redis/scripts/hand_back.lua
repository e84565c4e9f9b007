-- hand_back: puts entries back that are still in the consumer's name, uncharged (H9). Needs put_back.
-- KEYS spec tasks   ARGV group consumer id... (ascending)   returns how many, or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  return redis.error_reply('RUNGONE no spec or no tasks')
end
local counts, done = {}, 0
local rows = redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[3], ARGV[#ARGV], 1000000, ARGV[2])
for k = 1, #rows do counts[rows[k][1]] = rows[k][4] end
for k = 3, #ARGV do
  if counts[ARGV[k]] then done = done + put_back(KEYS[2], ARGV[1], ARGV[k], counts[ARGV[k]]) end
end
return done
