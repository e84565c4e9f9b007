-- note_seen: remembers results by the content of their photos, in two generations: a full one takes the place of the older.
-- KEYS spec seen seen_before   ARGV max expiry_s (hash packed)...
-- returns how many the younger generation has; or the error RUNGONE
if redis.call('EXISTS', KEYS[1]) == 0 then return redis.error_reply('RUNGONE no spec') end
local call, seen, argv = redis.call, KEYS[2], ARGV
if call('HLEN', seen) >= tonumber(argv[1]) then
  call('UNLINK', KEYS[3])  -- freed in the background, as RENAME would not
  call('RENAME', seen, KEYS[3])
end
for k = 3, #argv, 2 do call('HSET', seen, argv[k], argv[k + 1]) end
call('EXPIRE', seen, argv[2])
return call('HLEN', seen)
