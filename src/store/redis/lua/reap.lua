-- ARGV: the length of a lease in ms; how many jobs to move at most of each kind.
local length, limit = tonumber(ARGV[1]), ARGV[2]

-- What has waited long enough. Pushed to the front latest first, so that the earliest ends up in front.
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, limit)
for i = #due, 1, -1 do
  redis.call('ZREM', delayed, due[i])
  if record(due[i]) then
    redis.call('LPUSH', queue, due[i])
  end
end

local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, limit)
for i = #expired, 1, -1 do
  local job = expired[i]
  redis.call('ZREM', leases, job)
  redis.call('HDEL', holders, job)
  local attempts, losses = record(job)
  if redis.call('LREM', reserved, 0, job) > 0 and attempts then
    write(job, attempts, losses + 1)
    redis.call('LPUSH', queue, job)
  end
end

-- What was taken from the queue and has no lease: its worker is about to ask for one, or gone. A lease that nobody
-- holds gives it time to.
for _, job in ipairs(redis.call('LRANGE', reserved, 0, -1)) do
  if not redis.call('ZSCORE', leases, job) then
    if record(job) then
      redis.call('ZADD', leases, now + length, job)
    else
      redis.call('LREM', reserved, 0, job)
    end
  end
end

-- Every job is in one place. One that is in none, since somebody removed a key or made another of it, is queued again.
local placed = redis.call('LLEN', queue) + redis.call('LLEN', reserved) + redis.call('ZCARD', delayed)
if redis.call('HLEN', jobs) > placed then
  local found = {}
  for _, place in ipairs({
    redis.call('LRANGE', queue, 0, -1),
    redis.call('LRANGE', reserved, 0, -1),
    redis.call('ZRANGE', delayed, 0, -1),
  }) do
    for _, job in ipairs(place) do
      found[job] = true
    end
  end
  for _, job in ipairs(redis.call('HKEYS', jobs)) do
    if not found[job] then
      redis.call('RPUSH', queue, job)
    end
  end
end
return #expired
