-- Counts one try on each of the counters, if all of them allow it; answers how many ms to wait otherwise.
-- KEYS: the counters. ARGV: the length of a window in ms; then what each of them allows.
local window = tonumber(ARGV[1])
local wait = 0
for i, counter in ipairs(KEYS) do
  local tries = tonumber(redis.call('GET', counter) or 0)
  if tries >= tonumber(ARGV[i + 1]) then
    local left = redis.call('PTTL', counter)
    -- One that allows nothing has no window.
    wait = math.max(wait, 1, left < 0 and window or left)
  end
end
if wait == 0 then
  for _, counter in ipairs(KEYS) do
    if redis.call('INCR', counter) == 1 then
      redis.call('PEXPIRE', counter, window)
    end
  end
end
return wait
