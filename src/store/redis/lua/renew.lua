-- ARGV: the job; the worker's token; the length of a lease in ms.
if redis.call('HGET', holders, ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('ZADD', leases, now + tonumber(ARGV[3]), ARGV[1])
return 1
