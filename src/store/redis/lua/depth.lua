return {
  redis.call('LLEN', queue),
  redis.call('LLEN', reserved),
  redis.call('ZCARD', delayed),
  redis.call('ZCARD', buried),
}
