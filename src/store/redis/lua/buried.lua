-- The jobs that were given up on, newest first: for each its name, when (µs), why. ARGV: how many at most.
local found = redis.call('ZREVRANGE', buried, 0, ARGV[1] - 1, 'WITHSCORES')
local answer = {}
for i = 1, #found, 2 do
  table.insert(answer, { found[i], found[i + 1], redis.call('HGET', reasons, found[i]) or '' })
end
return answer
