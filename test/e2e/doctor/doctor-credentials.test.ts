import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startTokenCommand } from '../../support/token-command.ts';
import { runDoctor } from './rig.ts';

async function examine(more: Record<string, string>, isValid: (header: string | undefined) => boolean) {
  await using playground = await startPlayground();
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, request.content['code'] === '1+1' ? '2' : '10');
  };
  gateway.answer = ({ headers }) => (isValid(headers.authorization) ? undefined : { status: 401 });
  const env = { ...playground.environment, KG_URL: gateway.httpUrl, STORE_URL: 'memory:' };
  const examined = await runDoctor({ ...env, ...more });
  await gateway.close();
  return examined;
}

test('the doctor tells a token’s length and when it expires, never the token', async () => {
  await using command = await startTokenCommand(3_600_000);
  const settings = { KG_AUTH_COMMAND: command.setting, KG_AUTH_SCHEME: 'Bearer' };
  const { code, lines } = await examine(settings, (header) => command.isValid(header));
  expect(code).toBe(0);
  expect(lines.find((line) => line.includes('gateway token'))).toMatch(
    /^ok +gateway token +36 characters; it ends at \d{4}-\S+Z \(in (?:1 h|59 min 5\d s)\)\.$/,
  );
  expect(command.tokens()).toHaveLength(1);
  expect(lines.join('\n')).not.toContain(command.tokens()[0]);
});

test('a token command that fails is the one failure that is shown', async () => {
  const { code, failures } = await examine({ KG_AUTH_COMMAND: 'false' }, () => false);
  expect(code).toBe(1);
  expect(failures).toEqual([
    'gateway token The command for the gateway’s token failed (exit code 1). → Run KG_AUTH_COMMAND by hand as the bot’s user, or look at the file KG_AUTH_TOKEN_FILE.',
  ]);
});

test('a JupyterHub that refuses us is the one failure that is shown', async () => {
  const hub = { JUPYTERHUB_API_TOKEN: 'wrong', JUPYTERHUB_USER: 'ana' };
  const { code, failures } = await examine(
    { ...hub, JUPYTERHUB_API_URL: 'http://127.0.0.1:9/' },
    () => false,
  );
  expect(code).toBe(1);
  expect(failures).toEqual([expect.stringMatching(/^JupyterHub .* → Check JUPYTERHUB_API_URL/)]);
});
