import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBlocks } from '../../playground/blocks-schema.ts';
import { readView } from '../../playground/views.ts';
import type { KernelStatus } from '../../src/runs/control.ts';
import type { RunView } from '../../src/runs/run-view.ts';
import type { Run } from '../../src/runs/run.ts';
import type { SavedSnippet } from '../../src/saved/saved-snippets.ts';
import type { Schedule } from '../../src/saved/schedules/schedules.ts';
import { escapeMrkdwn, renderSentence } from '../../src/slack/blocks/elements.ts';
import { renderNearCommand } from '../../src/slack/blocks/help.ts';
import { renderHome } from '../../src/slack/blocks/home.ts';
import { renderInputBox } from '../../src/slack/blocks/input-request.ts';
import { renderRunNow } from '../../src/slack/blocks/refusals.ts';
import {
  renderReplace,
  renderReplaceQuestion,
  replaceQuestion,
} from '../../src/slack/blocks/saved/saved-blocks.ts';
import { renderScheduleForm, renderSchedules } from '../../src/slack/blocks/saved/schedule-blocks.ts';
import { renderOrigin, renderRoot } from '../../src/slack/blocks/who-ran.ts';
import { renderFilled } from '../../src/slack/listeners/views/editor.ts';

/** What people, kernels and gateways name things, and what code may hold. */
const piece = fc.constantFrom(
  '<!channel>',
  '<@U123>',
  '```',
  '`',
  '|',
  '\u200b',
  '\ud800',
  '\udc00',
  '\u0001',
  '😀',
  '&&&&&&&&&&',
  '"\\',
  ' ',
  '\n',
  'x'.repeat(3_000),
  '\u0001'.repeat(9_000),
  'line\n'.repeat(400),
);
const text = fc
  .array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 20 })), { minLength: 1, maxLength: 20 })
  .map((parts) => parts.join(''))
  .filter((joined) => joined !== '');
/** What the gateway names things. */
const label = text.map((said) => said.toWellFormed());
/** A name of one word, as the store holds it. */
const name = fc.string({ unit: fc.constantFrom('a', 'b', '-', '1'), minLength: 1, maxLength: 40 });
const user = fc.constantFrom('U1', 'W1', 'B1');
const channel = fc.constantFrom('C1', 'D1');
const blocks = fc.array(text, { minLength: 1, maxLength: 25 });
const atMs = fc.integer({ min: 0, max: 2_000_000_000_000 });

const WORKSPACE = 'https://team.slack.com/';

function takenAsMessage(sent: readonly unknown[]): void {
  const verdict = readBlocks(JSON.parse(JSON.stringify(sent)), 'message', () => `${Math.random()}`);
  expect(verdict).toMatchObject({ ok: true });
}

function takenAsView(view: unknown, surface: 'modal' | 'home'): void {
  const verdict = readView(JSON.parse(JSON.stringify(view)), surface, () => `${Math.random()}`);
  expect(verdict).toMatchObject({ ok: true });
}

const run = fc.record({ requester: user, channel, preview: text, kernelspec: text, createdAt: atMs }).map(
  ({ preview, kernelspec, ...rest }) =>
    ({
      id: 'run-1',
      thread: '1.1',
      state: 'running',
      ...rest,
      data: { preview, kernelspec, codeLength: preview.length, edition: 1 },
    }) as unknown as Run,
);

const saved = fc
  .record({ channel, name, kernelspec: text, savedBy: user, savedAt: atMs, preview: text })
  .map(
    (each, at = 0) =>
      ({ id: `saved-${at}`, codeLength: each.preview.length, ...each }) as unknown as SavedSnippet,
  );

const schedule = fc
  .record({ channel, name, words: text, timeZone: fc.constant('Europe/Berlin'), maker: user, value: text })
  .map(
    ({ value, ...each }) =>
      ({
        id: '0123456789abcdef',
        number: 12,
        parameters: [{ name: 'v', value, typed: JSON.stringify(value) }],
        onlyOnFailure: true,
        ...each,
      }) as unknown as Schedule,
  );

const kernel = fc
  .record({ channel, kernelspec: text, displayName: text, startedBy: user, state: text, at: atMs })
  .map(
    ({ displayName, state, at, startedBy, ...record }) =>
      ({
        record: {
          kernelId: 'k-1',
          startedBy,
          startedAt: at,
          lastUsedAt: at,
          lastRequester: startedBy,
          ...record,
        },
        displayName,
        state,
        unfinished: [],
      }) as unknown as KernelStatus,
  );

test('whatever is run, Slack takes its root message, and an answer’s head', () => {
  const by = fc.option(fc.record({ id: name, words: label, isQuiet: fc.boolean() }), { nil: undefined });
  const content = fc.record({
    requester: user,
    language: label,
    blocks,
    saved: fc.record({ name, schedule: by }),
  });
  fc.assert(
    fc.property(content, fc.constantFrom(12_000, 6_000, 3_000), fc.boolean(), (root, room, hasEnded) => {
      const rendered = renderRoot(
        { ...root, ...(hasEnded ? { result: root.language.slice(0, 200) } : {}) },
        room,
      );
      takenAsMessage(rendered.blocks);
      expect(Buffer.byteLength(rendered.text)).toBeLessThanOrEqual(4_000);
      const view = { requester: root.requester, origin: { kind: 'again', blocks: root.blocks } };
      takenAsMessage([{ type: 'rich_text', elements: renderOrigin(view as unknown as RunView, room) }]);
    }),
    { numRuns: 60 },
  );
});

test('whatever code asks for or is edited, Slack takes the modal', () => {
  fc.assert(
    fc.property(text, blocks, fc.array(label, { maxLength: 120 }), (prompt, code, specs) => {
      takenAsView(renderInputBox({ runId: 'r', requestId: 'q' }, { prompt, password: false }), 'modal');
      const languages = specs.map((kernelspec, at) => ({
        kernelspec: `${at}${kernelspec}`,
        displayName: kernelspec,
        language: 'python',
        aliases: [],
        isDefault: at === 0,
      }));
      takenAsView(renderFilled({ channel: 'C1' }, { languages, blocks: code }), 'modal');
      takenAsView(renderSentence(prompt), 'modal');
      takenAsView(renderSentence(escapeMrkdwn(prompt), 'mrkdwn'), 'modal');
    }),
    { numRuns: 60 },
  );
});

test('whatever is saved and scheduled, Slack takes the list, the questions and the forms', () => {
  const listed = fc.record({ schedule, next: fc.option(atMs, { nil: undefined }), lastRun: run });
  fc.assert(
    fc.property(fc.array(listed, { maxLength: 50 }), saved, text, (schedules, snippet, typed) => {
      takenAsMessage(renderSchedules(schedules, WORKSPACE, 1).blocks);
      takenAsMessage(renderReplaceQuestion('r', snippet, escapeMrkdwn(typed)).blocks);
      takenAsView(renderReplace('r', snippet, replaceQuestion(snippet, '')), 'modal');
      takenAsView(renderScheduleForm('C1', [snippet]), 'modal');
      const code = { text: typed, requestKey: 'k', channel: 'C1', thread: '1.1' };
      takenAsMessage(renderNearCommand(typed, code).blocks);
      takenAsMessage(renderRunNow(escapeMrkdwn(typed), { channel: 'C1', thread: '1.1', ts: '1.1' }));
    }),
    { numRuns: 60 },
  );
});

test('whatever a home tab lists, Slack takes it', () => {
  const content = fc.record({
    kernels: fc.array(fc.record({ status: kernel, mayChange: fc.boolean() }), { maxLength: 15 }),
    runs: fc.array(run, { maxLength: 10 }),
    saved: fc.array(saved, { maxLength: 10 }),
    schedules: fc.array(fc.record({ schedule, next: fc.constant(undefined), lastRun: run }), {
      maxLength: 10,
    }),
    notice: fc.option(text.map(escapeMrkdwn), { nil: undefined }),
    counts: fc.record({ kernels: fc.nat(), saved: fc.nat(), schedules: fc.nat() }),
  });
  fc.assert(
    fc.property(content, (shown) => {
      takenAsView(renderHome({ botUserId: 'UBOT', workspaceUrl: WORKSPACE, now: 1, ...shown }), 'home');
    }),
    { numRuns: 60 },
  );
});
