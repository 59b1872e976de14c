import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../../src/audit/audit.ts';
import { silentLog } from '../../../../src/log.ts';
import type { RunPhase } from '../../../../src/runs/run-view.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { createNotify } from '../../../../src/slack/api/notify.ts';
import { renderButtons } from '../../../../src/slack/blocks/run/run-buttons.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunButton } from '../../../../src/slack/listeners/actions/run-buttons.ts';
import { personOf, POLICY } from './people.ts';

/** A bot with one run, of U1, whose Stop is pressed by an admin; `seen`: the requests that its store knows. */
function createBot({ seen = new Set<string>(), diesStopping = false } = {}) {
  const stops: string[] = [];
  const told: string[] = [];
  let acks = 0;
  const slack = new WebClient('xoxb', {
    async fetch(_url, init) {
      const sent = new URLSearchParams(typeof init?.body === 'string' ? init.body : '');
      told.push(sent.get('user') ?? '');
      return Response.json({ ok: true });
    },
  });
  const entries: AuditEntry[] = [];
  const run = { id: 'run-1', requester: 'U1', channel: 'C1', data: { kernelspec: 'python3' } } as Run;
  const bot = {
    workspace: 'T1',
    policy: { ...POLICY, allowExternal: false },
    users: {
      find: async (id: string) => personOf(id, { isGuest: id === 'UGUEST', isWorkspaceAdmin: id === 'U9' }),
    },
    notify: createNotify(slack, silentLog),
    runs: { find: async () => run },
    control: { stop: (_: Run, by: string) => void stops.push(by) },
    async isKnown(request: string) {
      if (diesStopping) await new Promise(() => undefined);
      return seen.has(request);
    },
    markSeen: async (request: string) => !seen.has(request) && seen.add(request).size > 0,
    forgetSeen: async (request: string) => void seen.delete(request),
    memory: createListenerMemory(),
    audit: { record: (entry: AuditEntry) => void entries.push(entry), refuse: () => undefined },
    log: silentLog,
  } as unknown as Bot;
  const press = async (more: Partial<RunPhase & { kind: 'running' }>, user = 'U9'): Promise<void> => {
    const phase = { kind: 'running', sinceMs: 0, stopping: true, stopIgnored: false, ...more } as const;
    const [button] = renderButtons(run.id, phase, ['stop'])?.elements ?? [];
    const body = { user: { id: user }, channel: { id: 'C1' }, container: {}, trigger_id: 'T' };
    const payload = { ack: async () => void (acks += 1), body, action: button };
    await onRunButton(payload as unknown as Parameters<typeof onRunButton>[0], bot);
  };
  const audited = () => entries.filter(({ event }) => event === 'audit.run').map(({ audit }) => audit);
  return { press, stops, audited, told, acks: () => acks };
}

test('a double click on Stop is one stop', async () => {
  const { press, stops, audited } = createBot();
  await Promise.all([press({ stopping: false }), press({ stopping: false })]);
  await press({});
  expect(stops).toEqual(['U9']);
  expect(audited()).toEqual(['stop']);
});

test('Stop after a stop without effect counts anew, once, and is audited', async () => {
  const { press, stops, audited } = createBot();
  await press({ stopping: false });
  await press({ stopIgnored: true, ignoredAtMs: 1 });
  // A second click, on the picture that says that it is tried again.
  await press({ ignoredAtMs: 1 });
  expect(stops).toHaveLength(2);
  await press({ stopIgnored: true, ignoredAtMs: 2 });
  expect(stops).toHaveLength(3);
  expect(audited()).toEqual(['stop', 'stop', 'stop']);
});

test('a guest who keeps pressing is acknowledged each time, but does not use up the ephemeral messages of others', async () => {
  const { press, stops, told, acks } = createBot();
  for (let n = 0; n < 500; n += 1) await press({ stopping: false }, 'UGUEST');
  expect(acks()).toBe(500);
  // Slack takes 100 a minute.
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(60);
  await press({ stopping: false }, 'UBEN');
  expect(told.at(-1)).toBe('UBEN');
  await press({ stopping: false });
  expect(stops).toEqual(['U9']);
});

test('a Stop whose process died before it was done can be pressed again, and then counts once', async () => {
  const seen = new Set<string>();
  void createBot({ seen, diesStopping: true }).press({ stopping: false });
  const { press, stops } = createBot({ seen });
  await press({ stopping: false });
  await press({ stopping: false });
  expect(stops).toEqual(['U9']);
});
