-- reclaim: one suspect of a dead holder (H9, H10, H12). Needs put_back, in_hand.
-- KEYS spec tasks workers results
-- ARGV group id holder counter ('' for none) max_deliveries consumer ('': condemn only) number expiry_s
-- returns {verdict} or {'claimed', deliveries, fields}; or the error RUNGONE
if redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[4]) < 3 then
  return redis.error_reply('RUNGONE no spec or no streams')
end
local group, id, holder, consumer = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
if (redis.call('HGET', KEYS[3], holder) or '') ~= ARGV[4] then return {'gone'} end
local row = redis.call('XPENDING', KEYS[2], group, id, id, 1, holder)[1]
if not row then return {'gone'} end
local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
local task = {}
if entry then
  for k = 1, #entry[2], 2 do task[entry[2][k]] = entry[2][k + 1] end
end
if not task.i or not task.a then  -- finished in the meantime, or nobody could ever do it
  redis.call('XACK', KEYS[2], group, id)
  redis.call('XDEL', KEYS[2], id)
  return {'gone'}
end
if not in_hand(KEYS[3], holder)[id] then
  put_back(KEYS[2], group, id, row[4])
  return {'handed_back'}
end
local charged = (tonumber(task.d) or 0) + row[4]
if charged >= tonumber(ARGV[5]) then
  redis.call('XADD', KEYS[4], 'NOMKSTREAM', '*', 'i', task.i, 'a', task.a, 'c', charged, 'w', holder)
  redis.call('XACK', KEYS[2], group, id)
  redis.call('XDEL', KEYS[2], id)
  return {'condemned'}
end
if consumer == '' then return {'kept'} end
local mark = redis.call('HGET', KEYS[3], consumer .. '#hand')
if mark and tonumber(string.match(mark, '^%d+')) > tonumber(ARGV[7]) then return {'gone'} end
redis.call('XCLAIM', KEYS[2], group, consumer, 0, id)
redis.call('HSET', KEYS[3], consumer .. '#hand', ARGV[7] .. ' ' .. id)
if redis.call('TTL', KEYS[3]) < 0 then redis.call('EXPIRE', KEYS[3], ARGV[8]) end
return {'claimed', charged + 1, entry[2]}
