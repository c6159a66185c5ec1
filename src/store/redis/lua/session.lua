-- Keeps a session.
-- KEYS: the session; its user's sessions.
-- ARGV: the session as JSON; how long it has left in ms; its ID; the token it must have now, or nothing if it is new.
local session, sessions = KEYS[1], KEYS[2]
local left = tonumber(ARGV[2])
if ARGV[4] ~= '' then
  local old = redis.call('GET', session)
  if not old or cjson.decode(old).token ~= ARGV[4] then
    return 0
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', session, ARGV[1], 'PX', left)
redis.call('ZREMRANGEBYSCORE', sessions, '-inf', now)
redis.call('ZADD', sessions, now + left, ARGV[3])
if redis.call('PTTL', sessions) < left then
  redis.call('PEXPIRE', sessions, left)
end
return 1
