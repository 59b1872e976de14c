import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WebAPIPlatformError, type WebAPICallResult } from '@slack/web-api';
import { expect, test } from 'vitest';
import { readBlocks } from '../../../playground/blocks-schema.ts';
import { readView } from '../../../playground/views.ts';
import { samples } from '../../../tools/sample-messages.ts';
import { validateSamples } from '../../../tools/validate-samples.ts';

let ids = 0;
const nextId = (): string => `id ${(ids += 1)}`;

test.each(samples.map((sample) => [sample.name, sample] as const))('%s is what Slack takes', (_, sample) => {
  const sent: unknown = JSON.parse(JSON.stringify('view' in sample ? sample.view : sample.blocks));
  const verdict =
    'view' in sample ? readView(sent, sample.view.type, nextId) : readBlocks(sent, 'message', nextId);
  expect(verdict).toMatchObject({ ok: true });
});

test('what Slack says against a sample is a line, with the place', async () => {
  const asked: string[] = [];
  const refused = {
    ok: false,
    error: 'invalid_blocks',
    response_metadata: { messages: ['[ERROR] missing required field: text [json-pointer:/blocks/0]'] },
  };
  const client = {
    async apiCall(method: string, given?: Record<string, unknown>): Promise<WebAPICallResult> {
      asked.push(method, ...Object.keys(given ?? {}));
      if ('view' in (given ?? {})) throw new WebAPIPlatformError(refused);
      return { ok: true };
    },
  };
  const [run, editor] = [samples[0]!, samples.find((sample) => 'view' in sample)!];
  expect(await validateSamples(client, [run, editor])).toEqual([
    `${editor.name}: invalid_blocks [ERROR] missing required field: text [json-pointer:/blocks/0]`,
  ]);
  expect(asked).toEqual(['blocks.validate', 'blocks', 'blocks.validate', 'view']);
});

test('without a way to Slack `npm run check:blocks` says so and ends', async () => {
  const program = fileURLToPath(new URL('../../../tools/check-blocks.ts', import.meta.url));
  const env = { ...process.env, SLACK_API_URL: 'http://127.0.0.1:9/' };
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; said: string }>();
  execFile(process.execPath, [program], { env, timeout: 100_000 }, (error, stdout, stderr) =>
    resolve({ code: error?.code, said: stdout + stderr }),
  );
  const { code, said } = await promise;
  expect(said).toMatch(/^Slack cannot be reached: .+\n$/m);
  expect(code).toBe(1);
});
