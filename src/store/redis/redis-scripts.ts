/**
 * The ledger's atomic steps in Lua. KEYS[1] is the prefix that every key starts with; its hash tag keeps them all in one
 * slot, so a step may touch the keys that it finds in a run. ARGV[1] is the time by Redis' own clock after which nobody
 * waits for the answer any more: a step that comes later (Redis had stood still) does nothing.
 */
export const ledgerPrefix = 'sparkthread:{v1}:';

const prelude = `
local prefix, deadline = KEYS[1], tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > deadline then return redis.error_reply(string.format('LATE %.0f', now)) end

local function key(name, ...) return prefix .. name .. ':' .. cjson.encode({...}) end

local function read(id)
  local flat, run = redis.call('HGETALL', key('run', id)), {}
  if #flat == 0 then return nil end
  for i = 1, #flat, 2 do run[flat[i]] = flat[i + 1] end
  return run
end

local function indexes(run)
  local found = {
    {key('thread', run.workspace, run.channel, run.thread), run.order},
    {key('channel', run.workspace, run.channel), run.order},
    {key('runner', run.workspace, run.runner), run.order},
  }
  if run.state == 'posted' then
    table.insert(found, {prefix .. 'posted', run.updatedAt})
  else
    table.insert(found, {prefix .. 'unposted', run.order})
    if run.state ~= 'ended' then
      table.insert(found, {key('lane', run.lane), run.order})
      table.insert(found, {key('busy', run.workspace, run.runner), run.order})
    end
  end
  return found
end

local function place(run)
  for _, index in ipairs(indexes(run)) do redis.call('ZADD', index[1], index[2], run.id) end
end

local function lift(run)
  for _, index in ipairs(indexes(run)) do redis.call('ZREM', index[1], run.id) end
end

local function erase(id)
  local run = read(id)
  if not run then return end
  lift(run)
  redis.call('DEL', key('run', id))
end

local function claim(delivery, runId, at)
  if redis.call('HEXISTS', prefix .. 'deliveries', delivery) == 1 then return 0 end
  -- First what can fail: Redis undoes nothing of a step that breaks off.
  redis.call('ZADD', prefix .. 'delivered', at, delivery)
  redis.call('HSET', prefix .. 'deliveries', delivery, runId)
  return 1
end
`;

/** [delivery, perLane, perRunner, id, workspace, channel, thread, lane, runner, createdAt, data] → [kind, …]. */
const admit = `
local delivery, perLane, perRunner = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local run = {
  id = ARGV[5], workspace = ARGV[6], channel = ARGV[7], thread = ARGV[8], lane = ARGV[9], runner = ARGV[10],
  createdAt = ARGV[11], updatedAt = ARGV[11], data = ARGV[12], state = 'waiting', revision = '0',
}
local known = redis.call('HGET', prefix .. 'deliveries', delivery)
if known then return {'duplicate', known} end
local inLane = redis.call('ZCARD', key('lane', run.lane))
if inLane >= perLane then return {'laneFull', tostring(inLane)} end
local ofRunner = redis.call('ZCARD', key('busy', run.workspace, run.runner))
if ofRunner >= perRunner then return {'runnerFull', tostring(ofRunner)} end
if redis.call('EXISTS', key('run', run.id)) == 1 then return redis.error_reply('TAKEN the run id is known') end
run.order = string.format('%.0f', redis.call('INCR', prefix .. 'order'))
claim(delivery, run.id, run.createdAt)
for field, value in pairs(run) do redis.call('HSET', key('run', run.id), field, value) end
place(run)
return {'accepted', run.order, tostring(inLane)}
`;

/** [delivery, runId, atMs] → 1 when it was new. */
const claimDelivery = `return claim(ARGV[2], ARGV[3], ARGV[4])`;

/** [delivery] → the run's id or nil. */
const findDelivery = `return redis.call('HGET', prefix .. 'deliveries', ARGV[2])`;

/** [id] → the run's fields, flat, or none. */
const get = `return redis.call('HGETALL', key('run', ARGV[2]))`;

/** [id, revision, field, value, …] → the changed run's fields, flat; none when it is not at that revision. */
const change = `
local run = read(ARGV[2])
if not run or run.revision ~= ARGV[3] then return {} end
lift(run)
for i = 4, #ARGV, 2 do run[ARGV[i]] = ARGV[i + 1] end
run.revision = string.format('%.0f', run.revision + 1)
for field, value in pairs(run) do redis.call('HSET', key('run', run.id), field, value) end
place(run)
return redis.call('HGETALL', key('run', run.id))
`;

const listed = (range: string) => `
local parts = {}
for i = 4, #ARGV do table.insert(parts, ARGV[i]) end
local index = prefix .. ARGV[2]
if #parts > 0 then index = key(ARGV[2], unpack(parts)) end
local found = {}
for _, id in ipairs(redis.call(${range}, 'LIMIT', 0, ARGV[3])) do
  local flat = redis.call('HGETALL', key('run', id))
  -- A Redis that was full may have dropped it. A replica that takes no writes goes on listing it.
  if #flat > 0 then table.insert(found, flat) else redis.pcall('ZREM', index, id) end
end
return found
`;

/** [index, limit, …parts of the index's key] → runs, first admitted first. A limit of -1 is none. */
const oldest = listed(`'ZRANGEBYSCORE', index, '-inf', '+inf'`);
/** The same, last admitted first. */
const newest = listed(`'ZREVRANGEBYSCORE', index, '+inf', '-inf'`);

/** [id]. */
const remove = `erase(ARGV[2])`;

/** [runsBefore, limit] → the ids erased. */
const purgeRuns = `
local ids = redis.call('ZRANGEBYSCORE', prefix .. 'posted', '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do erase(id) end
return ids
`;

/** [deliveriesBefore, limit] → how many were erased. */
const purgeDeliveries = `
local old = redis.call('ZRANGEBYSCORE', prefix .. 'delivered', '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, delivery in ipairs(old) do
  redis.call('HDEL', prefix .. 'deliveries', delivery)
  redis.call('ZREM', prefix .. 'delivered', delivery)
end
return #old
`;

/** [name, owner, ttlMs] → [owner, ms left]. */
const lease = `
local name = key('lease', ARGV[2])
local owner = redis.call('GET', name)
if owner and owner ~= ARGV[3] then return {owner, tostring(redis.call('PTTL', name))} end
redis.call('SET', name, ARGV[3], 'PX', ARGV[4])
return {ARGV[3], ARGV[4]}
`;

/** [name, owner]. */
const release = `
local name = key('lease', ARGV[2])
if redis.call('GET', name) == ARGV[3] then redis.call('DEL', name) end
`;

const bodies = {
  admit,
  claimDelivery,
  findDelivery,
  get,
  change,
  oldest,
  newest,
  remove,
  purgeRuns,
  purgeDeliveries,
  lease,
  release,
};

export type ScriptName = keyof typeof bodies;

/** The whole text of a step, as Redis takes it. */
export function scriptText(name: ScriptName): string {
  return prelude + bodies[name];
}
