-- Takes one try back from each of the counters. KEYS: the counters.
for _, counter in ipairs(KEYS) do
  local tries = tonumber(redis.call('GET', counter) or 0)
  if tries > 1 then
    redis.call('DECR', counter)
  else
    redis.call('DEL', counter)
  end
end
