-- Leases a job that was moved to the reserved ones. ARGV: the job; the worker's token; the length of a lease in ms.
local job, token, length = ARGV[1], ARGV[2], tonumber(ARGV[3])
local attempts, losses = record(job)
if not attempts then
  redis.call('LREM', reserved, 0, job)
  return false
end
-- It may have been taken back since, and given to another.
if redis.call('HEXISTS', holders, job) == 1 or not redis.call('LPOS', reserved, job) then
  return false
end
redis.call('HSET', holders, job, token)
redis.call('ZADD', leases, now + length, job)
return { attempts, losses }
