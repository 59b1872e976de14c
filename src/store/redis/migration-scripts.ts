/** The prefix of the keys of 0.1.0. */
export const PREFIX_1 = 'sparkthread:{v1}:';

/** The beginning of the scripts below. */
const OLD = `
    local old = '${PREFIX_1}'
    local function oldKey(name, ...) return old .. name .. ':' .. cjson.encode({...}) end`;

/** Scripts that move what 0.1.0 stored (migration.ts). They use the functions of scripts.ts. Those that write renew the lease. */
export const MIGRATION = {
  /** [ttlMs] → more than 0 if 0.1.0 has ever written here. It stored every request. */
  beginMigration: `${OLD}
    redis.call('PEXPIRE', prefix .. 'lease', ARGV[3])
    reserve(redis.call('GET', old .. 'order') or 0)
    return redis.call('EXISTS', old .. 'order', old .. 'deliveries', old .. 'delivered')`,
  /** [index, limit] → ids. */
  oldRuns: `${OLD}
    return redis.call('ZRANGE', old .. ARGV[3], 0, ARGV[4] - 1)`,
  /** [id] → [field, value, …] of the run, or an empty list. */
  oldRun: `${OLD}
    local name = oldKey('run', ARGV[3])
    if redis.call('TYPE', name).ok ~= 'hash' then return {} end
    return redis.call('HGETALL', name)`,
  /** [ttlMs, order, code, …run]. The workspace is '' if there is no record to move. */
  moveRun: `${OLD}
    local run = given(6)
    run.order = ARGV[4]
    redis.call('PEXPIRE', prefix .. 'lease', ARGV[3])
    if run.workspace ~= '' then
      redis.call('SET', key('code', run.id), ARGV[5])
      write(run)
      for _, index in ipairs({
        oldKey('thread', run.workspace, run.channel, run.thread), oldKey('channel', run.workspace, run.channel),
        oldKey('runner', run.workspace, run.requester), oldKey('busy', run.workspace, run.requester),
        oldKey('lane', run.queue),
      }) do redis.call('ZREM', index, run.id) end
      redis.call('DEL', oldKey('run', run.id))
    end
    redis.call('ZREM', old .. 'unposted', run.id)
    redis.call('ZREM', old .. 'posted', run.id)`,
  /** [ttlMs, limit] → the number of moved requests. */
  moveRequests: `${OLD}
    redis.call('PEXPIRE', prefix .. 'lease', ARGV[3])
    local found = redis.call('ZRANGE', old .. 'delivered', 0, ARGV[4] - 1, 'WITHSCORES')
    for i = 1, #found, 2 do
      know(found[i], redis.call('HGET', old .. 'deliveries', found[i]) or '', found[i + 1])
      redis.call('ZREM', old .. 'delivered', found[i])
      redis.call('HDEL', old .. 'deliveries', found[i])
    end
    return #found / 2`,
  /** [ttlMs, …(old key, namespace, key)]. */
  moveEntries: `${OLD}
    redis.call('PEXPIRE', prefix .. 'lease', ARGV[3])
    for i = 4, #ARGV, 3 do
      local value, ttl = redis.call('GET', ARGV[i]), redis.call('PTTL', ARGV[i])
      if value and ttl ~= 0 then setEntry(ARGV[i + 1], ARGV[i + 2], value, ttl < 0 and '' or ttl) end
      redis.call('DEL', ARGV[i])
    end`,
  /** [version]. */
  endMigration: `${OLD}
    redis.call('SET', prefix .. 'version', ARGV[3])
    redis.call('DEL', old .. 'order', old .. 'deliveries')`,
};
