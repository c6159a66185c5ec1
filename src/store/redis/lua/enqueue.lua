-- ARGV: the job.
local job = ARGV[1]
if redis.call('HEXISTS', jobs, job) == 1 then
  return 0
end
redis.call('ZREM', buried, job)
redis.call('HDEL', reasons, job)
-- First: should the key be no list, nothing says that the job is queued.
redis.call('RPUSH', queue, job)
write(job, 0, 0)
return 1
