-- ARGV: the job; the worker's token; why; how many are kept.
if take(ARGV[1], ARGV[2]) then
  redis.call('HDEL', jobs, ARGV[1])
  redis.call('ZADD', buried, micros, ARGV[1])
  redis.call('HSET', reasons, ARGV[1], ARGV[3])
  while redis.call('ZCARD', buried) > tonumber(ARGV[4]) do
    redis.call('HDEL', reasons, redis.call('ZPOPMIN', buried)[1])
  end
end
