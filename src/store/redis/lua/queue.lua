-- What every script of the queue begins with. KEYS are the same for all of them.
local queue, reserved, jobs, leases, holders, delayed, buried, reasons = unpack(KEYS)
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

-- The attempts and losses of a job; nothing where there is no such job.
local function record(job)
  local text = redis.call('HGET', jobs, job)
  if text then
    local attempts, losses = string.match(text, '^(%d+):(%d+)$')
    return tonumber(attempts), tonumber(losses)
  end
end

local function write(job, attempts, losses)
  redis.call('HSET', jobs, job, attempts .. ':' .. losses)
end

-- Takes a reserved job out of its worker's hands, if the token proves that it is in them.
local function take(job, token)
  if redis.call('HGET', holders, job) ~= token then
    return false
  end
  redis.call('HDEL', holders, job)
  redis.call('ZREM', leases, job)
  redis.call('LREM', reserved, 1, job)
  return redis.call('HEXISTS', jobs, job) == 1
end

