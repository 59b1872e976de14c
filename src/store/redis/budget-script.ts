/**
 * One step of a shared budget: [name, step as JSON] → [waitMs, gapMs, processes] (redis-budget.ts). All that is known
 * stands in one key, a few kB, which goes when nobody asks any more.
 */
export const shareBudget = `
local name, step = key('budget', ARGV[2]), cjson.decode(ARGV[3])
local limits, take = step.limits, step.take
now = step.nowMs or now

local state = {taken = {}, wanting = {}, ending = {}, processes = {}, pausedUntil = 0}
local known = redis.call('GET', name)
if known then state = cjson.decode(known) end

local function filter(list, stays)
  local kept = {}
  for _, each in ipairs(list) do if stays(each) then table.insert(kept, each) end end
  return kept
end
-- A clock that was set makes nothing last longer.
local function within(list, ms)
  return filter(list, function(each) return math.abs(now - each.at) < ms end)
end
local function without(list, id)
  return filter(list, function(each) return each.id ~= id end)
end
local function place(list, id)
  for index, each in ipairs(list) do if each.id == id then return index end end
end

state.taken = within(state.taken, limits.windowMs)
state.wanting = within(state.wanting, limits.wantingMs)
state.ending = within(state.ending, limits.wantingMs)
state.processes = without(within(state.processes, limits.lapseMs), step.process)
if step.open > 0 then table.insert(state.processes, {id = step.process, open = step.open, at = now}) end
for _, age in ipairs(step.spentAgesMs) do table.insert(state.taken, {at = now - age}) end
table.sort(state.taken, function(one, other) return one.at < other.at end)
if step.pauseMs > 0 then state.pausedUntil = math.max(state.pausedUntil, now + step.pauseMs) end
if step.closed then
  state.wanting, state.ending = without(state.wanting, step.closed), without(state.ending, step.closed)
end

if take and take.use == 'live' then
  state.wanting = without(state.wanting, take.by)
  table.insert(state.wanting, {id = take.by, at = now})
elseif take then
  -- Its place is that of its first asking.
  local at = place(state.ending, take.by)
  if at then state.ending[at].at = now else table.insert(state.ending, {id = take.by, at = now}) end
end

local kept = 0
for _, process in ipairs(state.processes) do kept = kept + process.open end
if kept > limits.takes then kept = math.floor(limits.takes / 2) end
local gap = math.max(limits.gapMs, #state.wanting * limits.windowMs / math.max(1, limits.takes - kept))

local function wait()
  if state.pausedUntil > now then return state.pausedUntil - now end
  local before = kept + #state.ending
  if take.use == 'end' then before = place(state.ending, take.by) - 1 end
  local blocking = #state.taken + before - limits.takes
  if blocking >= 0 then
    local taken = state.taken[blocking + 1]
    return (taken and taken.at or now) + limits.windowMs - now
  end
  if take.use == 'end' or not take.idleMs then return 0 end
  return math.max(0, gap - take.idleMs)
end

local waitMs = take and wait() or 0
if take and waitMs == 0 then
  table.insert(state.taken, {at = now})
  state.ending = without(state.ending, take.by)
end
redis.call('SET', name, cjson.encode(state), 'PX', math.max(limits.windowMs, limits.lapseMs))
return {math.ceil(waitMs), math.ceil(gap), #state.processes}
`;
