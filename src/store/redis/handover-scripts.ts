/** Steps by which a leader that alone has lost Slack or the gateway gives way to a standby that has it (handover.ts). */
export const HANDOVER = {
  /** [part, ttlMs] → 1 when a standby has said that it reaches it, and nobody has given way lately. Only the leader asks. */
  seekSuccessor: `
    if redis.call('EXISTS', prefix .. 'handover') == 1 then return 0 end
    redis.call('SET', prefix .. 'wanted', ARGV[3], 'PX', ARGV[4])
    return redis.call('GET', prefix .. 'offer') == ARGV[3] and 1 or 0`,
  /** [part, ttlMs]. A standby's: it is fenced by nothing. */
  offer: `redis.call('SET', prefix .. 'offer', ARGV[3], 'PX', ARGV[4])`,
  /** [part, ms until the next]. Releases the lease of the leader that asks. */
  giveWay: `
    redis.call('SET', prefix .. 'handover', ARGV[3], 'PX', ARGV[4])
    redis.call('DEL', prefix .. 'lease', prefix .. 'wanted', prefix .. 'offer')`,
};
