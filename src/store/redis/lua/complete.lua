-- ARGV: the job; the worker's token.
if take(ARGV[1], ARGV[2]) then
  redis.call('HDEL', jobs, ARGV[1])
end
