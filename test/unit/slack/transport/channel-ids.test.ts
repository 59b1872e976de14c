import { expect, test } from 'vitest';
import { ChannelIds } from '../../../../src/slack/transport/channel-ids.ts';
import { answerOf } from '../../../../src/slack/transport/network.ts';

interface Scene {
  ids: ChannelIds;
  /** Calls a method; gives what Slack was sent and what the caller reads. */
  call: (fields: Record<string, string>, answer?: object) => Promise<{ sent: unknown; read: unknown }>;
}

function scene(...changes: [from: string, to: string][]): Scene {
  const ids = new ChannelIds();
  for (const [from, to] of changes) ids.change(from, to);
  return {
    ids,
    async call(fields, answer = { ok: true }) {
      let sent: unknown;
      const call = ids.translate(async (url, init) => {
        if (typeof init?.body === 'string') sent = Object.fromEntries(new URLSearchParams(init.body));
        const head = { ok: true, status: 200, statusText: 'OK', url: String(url), headers: new Headers() };
        return answerOf(head, JSON.stringify(answer));
      });
      const body = new URLSearchParams(fields).toString();
      const answered = await call('https://slack.com/api/chat.update', { method: 'POST', body });
      return { sent, read: JSON.parse(Buffer.from(await answered.arrayBuffer()).toString()) };
    },
  };
}

test('if no id has changed, payloads and calls are not touched', async () => {
  const { ids, call } = scene();
  const payload = { channel: 'C1' };
  expect(ids.readPayload(payload)).toBe(payload);
  expect(await call({ channel: 'G1', text: 'a b' })).toMatchObject({ sent: { channel: 'G1', text: 'a b' } });
});

test('payloads have the first id of a channel, wherever Slack names channels', () => {
  const { ids } = scene(['G1', 'C1']);
  const payload = {
    event: { channel: 'C1', item: { channel: { id: 'C1', name: 'secret' } } },
    container: { channel_id: 'C1' },
    view: { state: { selected_conversation: 'C1' } },
    text: 'restart <#C1|secret> <#C1> <#C12|other>',
    other: 'C12',
  };
  expect(ids.readPayload(payload)).toEqual({
    event: { channel: 'G1', item: { channel: { id: 'G1', name: 'secret' } } },
    container: { channel_id: 'G1' },
    view: { state: { selected_conversation: 'G1' } },
    text: 'restart <#G1|secret> <#G1> <#C12|other>',
    other: 'C12',
  });
});

test('ids in code are left as they were typed', () => {
  const { ids } = scene(['G1', 'C1']);
  const text = '```\npost("C1", \'C1\')\nurl = "https://home.slack.com/archives/C1/p1"\n```';
  expect(ids.readPayload({ channel: 'C1', text })).toEqual({ channel: 'G1', text });
});

test('a call has the newest id of a channel, and its answer the first', async () => {
  const { call } = scene(['G1', 'C1'], ['C1', 'C2']);
  const link = 'https://home.slack.com/archives/G1/p1?thread_ts=1&cid=G1';
  const blocks = [
    { type: 'section', text: { text: `<#G1> <#G1|secret> <${link}|it>` } },
    { type: 'rich_text', elements: [{ type: 'channel', channel_id: 'G1' }] },
  ];
  const answer = {
    ok: true,
    channel: 'C2',
    file: { shares: { private: { C2: [] } } },
    channels: [{ id: 'C1' }],
  };
  const { sent, read } = await call({ channel: 'G1', ts: '1.2', blocks: JSON.stringify(blocks) }, answer);
  expect(sent).toEqual({
    channel: 'C2',
    ts: '1.2',
    blocks: JSON.stringify(blocks).replaceAll('G1', 'C2'),
  });
  expect(read).toEqual({
    ok: true,
    channel: 'G1',
    file: { shares: { private: { G1: [] } } },
    channels: [{ id: 'G1' }],
  });
});

test('a repeated event, and a change back, are taken as they come', async () => {
  const { ids, call } = scene(['G1', 'C1'], ['G1', 'C1']);
  expect(ids.change('G1', 'C1')).toEqual({ first: 'G1', later: ['C1'] });
  expect(ids.change('C1', 'G1')).toEqual({ first: 'G1', later: ['C1', 'G1'] });
  expect((await call({ channel: 'G1' })).sent).toEqual({ channel: 'G1' });
  expect(ids.readPayload({ channel: 'C1' })).toEqual({ channel: 'G1' });
});

test('ids in the store count from the start', () => {
  const { ids } = scene();
  ids.load([['G1', ['C1', 'C2']]]);
  expect(['G1', 'C1', 'C2', 'C3'].map((id) => ids.first(id))).toEqual(['G1', 'G1', 'G1', 'C3']);
});

test('the body for a response_url is JSON, and stays JSON', async () => {
  const { ids } = scene(['G1', 'C1']);
  let sent: unknown;
  const respond = ids.translate(async (url, init) => {
    sent = init?.body;
    return answerOf(
      { ok: true, status: 200, statusText: 'OK', url: String(url), headers: new Headers() },
      'ok',
    );
  });
  const body = JSON.stringify({ replace_original: true, text: 'kernel of <#G1> & more' });
  const answer = await respond('https://hooks.slack.com/actions/1', { method: 'POST', body });
  expect(sent).toBe(JSON.stringify({ replace_original: true, text: 'kernel of <#C1> & more' }));
  expect(await answer.text()).toBe('ok');
});
