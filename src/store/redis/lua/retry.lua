-- ARGV: the job; the worker's token; the delay in ms; how many attempts this counts as.
if take(ARGV[1], ARGV[2]) then
  local attempts, losses = record(ARGV[1])
  write(ARGV[1], attempts + tonumber(ARGV[4]), losses)
  redis.call('ZADD', delayed, now + tonumber(ARGV[3]), ARGV[1])
end
