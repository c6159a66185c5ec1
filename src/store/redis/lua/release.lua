-- ARGV: the job; the worker's token.
if take(ARGV[1], ARGV[2]) then
  redis.call('LPUSH', queue, ARGV[1])
end
