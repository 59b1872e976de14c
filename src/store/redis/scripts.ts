import { hash } from 'node:crypto';
import { MIGRATION } from './migration-scripts.ts';

/**
 * The store's atomic steps in Lua. KEYS[1] is the prefix of every key. ARGV[1] is the deadline by Redis' own clock: nobody
 * waits for the answer any longer, so a script that Redis begins later changes nothing. ARGV[2] is the required lease
 * record, '' for a script that needs no lease.
 *
 * Redis does not undo a script that fails in the middle, so the first write of each script is one that fails if Redis is
 * out of memory.
 */
export const PREFIX = 'sparkthread:{v2}:';

const PRELUDE = `
local prefix, deadline, fence = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > deadline then return redis.error_reply(string.format('LATE %.0f', now)) end
if fence ~= '' and redis.call('GET', prefix .. 'lease') ~= fence then
  return redis.error_reply('FENCED the lease of the store names another holder, or none')
end

local function key(name, ...) return prefix .. name .. ':' .. cjson.encode({...}) end

local function read(id)
  local flat, run = redis.call('HGETALL', key('run', id)), {}
  if #flat == 0 then return nil end
  for i = 1, #flat, 2 do run[flat[i]] = flat[i + 1] end
  return run
end

local function indexes(run)
  local found = {
    [key('thread', run.workspace, run.channel, run.thread)] = run.order,
    [key('channel', run.workspace, run.channel)] = run.order,
    [key('requester', run.workspace, run.requester)] = run.order,
  }
  if run.state == 'posted' then found[prefix .. 'posted'] = run.updatedAt
  else found[prefix .. 'unposted'] = run.order end
  return found
end

local function write(run)
  local old = read(run.id)
  for field, value in pairs(run) do redis.call('HSET', key('run', run.id), field, value) end
  local wanted = indexes(run)
  for index, score in pairs(wanted) do redis.call('ZADD', index, score, run.id) end
  for index in pairs(old and indexes(old) or {}) do
    if not wanted[index] then redis.call('ZREM', index, run.id) end
  end
end

local function erase(id)
  local run = read(id)
  if run then
    for index in pairs(indexes(run)) do redis.call('ZREM', index, id) end
  end
  -- A Redis that evicts keys may have dropped the run but not its index entry.
  redis.call('ZREM', prefix .. 'posted', id)
  redis.call('DEL', key('run', id), key('code', id))
end

local function know(request, runId, at)
  redis.call('ZADD', prefix .. 'requested', at, request)
  redis.call('HSET', prefix .. 'requests', request, runId)
end

local function forget(request)
  redis.call('HDEL', prefix .. 'requests', request)
  redis.call('ZREM', prefix .. 'requested', request)
end

-- [id, workspace, channel, thread, queue, requester, state, createdAt, updatedAt, data] from ARGV[first] on.
local function given(first)
  local run = {}
  local fields = {'id', 'workspace', 'channel', 'thread', 'queue', 'requester', 'state', 'createdAt', 'updatedAt', 'data'}
  for i, field in ipairs(fields) do run[field] = ARGV[first + i - 1] end
  return run
end

-- No order is given out twice.
local function reserve(order)
  if tonumber(order) > tonumber(redis.call('GET', prefix .. 'order') or 0) then
    redis.call('SET', prefix .. 'order', order)
  end
end

local function setEntry(namespace, name, value, ttl)
  local entry = prefix .. 'keyv:' .. namespace .. ':' .. name
  local index = prefix .. 'index:' .. namespace
  if ttl == '' then
    redis.call('ZADD', index, '+inf', name)
    redis.call('SET', entry, value)
  else
    redis.call('ZADD', index, string.format('%.0f', now + ttl), name)
    redis.call('SET', entry, value, 'PX', ttl)
  end
end

local function list(...)
  local found = {}
  for _, id in ipairs(redis.call(...)) do
    local flat = redis.call('HGETALL', key('run', id))
    -- A Redis that evicts keys may have dropped it.
    if #flat > 0 then table.insert(found, flat) end
  end
  return found
end
`;

const BODIES = {
  /** [request, code, …run] → [kind, …]. */
  accept: `
    local request, run = ARGV[3], given(5)
    local known = redis.call('HGET', prefix .. 'requests', request)
    if known then return {'duplicate', known} end
    if redis.call('EXISTS', key('run', run.id)) == 1 then return redis.error_reply('TAKEN the run id is known') end
    run.order = string.format('%.0f', redis.call('INCR', prefix .. 'order'))
    redis.call('SET', key('code', run.id), ARGV[4])
    know(request, run.id, run.createdAt)
    write(run)
    return {'accepted', run.order}`,
  /** [request, atMs] → 1 if the request was new. */
  markSeen: `
    if redis.call('HEXISTS', prefix .. 'requests', ARGV[3]) == 1 then return 0 end
    know(ARGV[3], '', ARGV[4])
    return 1`,
  /** [request]. */
  forgetRequest: `forget(ARGV[3])`,
  /** [request] → the run's id or nil. */
  findRequest: `return redis.call('HGET', prefix .. 'requests', ARGV[3])`,
  /** [order, code or '', …run] → 1 if the run exists. */
  save: `
    local run = given(5)
    run.order = ARGV[3]
    if redis.call('EXISTS', key('run', run.id)) == 0 then return 0 end
    if ARGV[4] ~= '' then redis.call('SET', key('code', run.id), ARGV[4]) end
    write(run)
    return 1`,
  /** [request, at, order, code, …run]. */
  restore: `
    local run = given(7)
    run.order = ARGV[5]
    reserve(run.order)
    redis.call('SET', key('code', run.id), ARGV[6])
    know(ARGV[3], run.id, ARGV[4])
    write(run)`,
  /** [id] → [field, value, …] of the run, or an empty list. */
  get: `return redis.call('HGETALL', key('run', ARGV[3]))`,
  /** [id] → JSON or nil. */
  code: `return redis.call('GET', key('code', ARGV[3]))`,
  /** → runs, first accepted first. */
  unposted: `return list('ZRANGE', prefix .. 'unposted', 0, -1)`,
  /** [index, limit, …parts of the index's key] → runs, last accepted first. */
  newest: `
    local parts = {}
    for i = 5, #ARGV do table.insert(parts, ARGV[i]) end
    return list('ZREVRANGEBYSCORE', key(ARGV[3], unpack(parts)), '+inf', '-inf', 'LIMIT', 0, ARGV[4])`,
  /** [id]. */
  remove: `erase(ARGV[3])`,
  /** [id, request]. */
  withdraw: `erase(ARGV[3]) forget(ARGV[4])`,
  /** [runsBefore, limit] → the ids erased. */
  purgeRuns: `
    local ids = redis.call('ZRANGEBYSCORE', prefix .. 'posted', '-inf', '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])
    for _, id in ipairs(ids) do erase(id) end
    return ids`,
  /** [requestsBefore, limit] → the number of erased requests. */
  purgeRequests: `
    local old = redis.call('ZRANGEBYSCORE', prefix .. 'requested', '-inf', '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])
    for _, request in ipairs(old) do forget(request) end
    return #old`,
  /** [namespace, key, value, ttlMs or '']. */
  setEntry: `
    setEntry(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
    redis.call('ZREMRANGEBYSCORE', prefix .. 'index:' .. ARGV[3], '-inf', string.format('%.0f', now))`,
  /** [namespace, key] → 1 if it was there. */
  deleteEntry: `
    redis.call('ZREM', prefix .. 'index:' .. ARGV[3], ARGV[4])
    return redis.call('DEL', prefix .. 'keyv:' .. ARGV[3] .. ':' .. ARGV[4])`,
  /** [namespace]. */
  clearEntries: `
    local index = prefix .. 'index:' .. ARGV[3]
    for _, name in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      redis.call('DEL', prefix .. 'keyv:' .. ARGV[3] .. ':' .. name)
    end
    redis.call('DEL', index)`,
  /** [namespace] → the keys that have not expired. */
  listEntries: `
    return redis.call('ZRANGEBYSCORE', prefix .. 'index:' .. ARGV[3], string.format('%.0f', now), '+inf')`,

  /** → the version that wrote this store, '' for a new store and for one of 0.1.0. */
  version: `return redis.call('GET', prefix .. 'version') or ''`,
  /**
   * [holder, ttlMs, highest known epoch, channel of 0.1.0, version of this process, when to defer to the old leader: with
   * `none`, an `emptied` store, any `free` lease] → [kind, epoch, version, …what the leader misses].
   */
  acquire: `
    local holder, ttl = ARGV[3], ARGV[4]
    local version, lease = redis.call('GET', prefix .. 'version') or '', redis.call('GET', prefix .. 'lease')
    if version ~= '' and tonumber(version) > tonumber(ARGV[7]) then return {'newer', 0, version} end
    if lease and string.sub(lease, -#holder) ~= holder then
      return {'taken', 0, version, redis.call('GET', prefix .. 'wanted') or ''}
    end
    local defer = ARGV[8]
    if not lease and (defer == 'free' or (defer == 'emptied' and version == '')) then return {'deferred', 0, version} end
    if redis.call('PUBSUB', 'NUMSUB', ARGV[6])[2] > 0 then return {'oldVersion', 0, version} end
    local epoch = math.max(tonumber(redis.call('GET', prefix .. 'epoch') or 0), tonumber(ARGV[5])) + 1
    redis.call('SET', prefix .. 'epoch', string.format('%.0f', epoch))
    redis.call('SET', prefix .. 'lease', string.format('%.0f ', epoch) .. holder, 'PX', ttl)
    return {'held', epoch, version}`,
  /** [record, ttlMs] → held, taken or missing: also where this holder has acquired it and the answer was lost. */
  renew: `
    local lease = redis.call('GET', prefix .. 'lease')
    if not lease then return 'missing' end
    if lease ~= ARGV[3] then return string.match(lease, ' .*') == string.match(ARGV[3], ' .*') and 'missing' or 'taken' end
    redis.call('PEXPIRE', prefix .. 'lease', ARGV[4])
    return 'held'`,
  /** [record]. */
  release: `
    if redis.call('GET', prefix .. 'lease') == ARGV[3] then redis.call('DEL', prefix .. 'lease') end`,
  /** [part, ttlMs] → 1 if a standby has offered to take over and no leader gave way lately (handover.ts). */
  seekSuccessor: `
    if redis.call('EXISTS', prefix .. 'handover') == 1 then return 0 end
    redis.call('SET', prefix .. 'wanted', ARGV[3], 'PX', ARGV[4])
    return redis.call('GET', prefix .. 'offer') == ARGV[3] and 1 or 0`,
  /** [part, ttlMs]. Standbys call it, so it needs no lease. */
  offer: `redis.call('SET', prefix .. 'offer', ARGV[3], 'PX', ARGV[4])`,
  /** [part, ms until the next handover]. */
  giveWay: `
    redis.call('SET', prefix .. 'handover', ARGV[3], 'PX', ARGV[4])
    redis.call('DEL', prefix .. 'wanted', prefix .. 'offer')`,
};

const ALL = { ...BODIES, ...MIGRATION };

export type ScriptName = keyof typeof ALL;

/** The whole script. */
export function scriptText(name: ScriptName): string {
  return PRELUDE + ALL[name];
}

export function shaOf(name: ScriptName): string {
  return hash('sha1', scriptText(name));
}
