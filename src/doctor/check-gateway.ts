import type { Config } from '../config/config.ts';
import { UserError } from '../errors.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Kernelspec, Kernelspecs } from '../gateway/gateway.ts';
import { resolveLanguage } from '../runs/languages/languages.ts';
import { httpRemedy, startRemedy, websocketRemedy } from './gateway-hints.ts';
import { tryLanguage, type TryLanguageOptions } from './check-language.ts';

export interface ExamineGatewayOptions extends TryLanguageOptions {
  config: Pick<Config, 'gateway' | 'kernels' | 'runs'>;
}

const http = 'gateway, HTTP';
const websocket = 'gateway, websocket';

/** Reachability and credentials, HTTP and websocket apart, then one tiny run on each kernelspec. */
export async function examineGateway(options: ExamineGatewayOptions): Promise<void> {
  const { report, signal } = options;
  if (signal.aborted) return;
  const kernelspecs = await examineHttp(options);
  if (kernelspecs === undefined) {
    for (const what of ['kernelspecs', websocket])
      report.tell({ what, verdict: 'skipped', text: 'Needs the gateway’s answer by HTTP.' });
    return;
  }
  examineKernelspecs(kernelspecs, options);
  await examineLanguages(kernelspecs, options);
}

async function examineHttp({
  gateway,
  report,
  signal,
}: ExamineGatewayOptions): Promise<Kernelspecs | undefined> {
  report.progress('asking the gateway for its kernelspecs');
  try {
    const kernelspecs = await gateway.readKernelspecs(signal);
    // Knox has no route for the version, so its absence is no fault.
    const info = await gateway.readInfo(signal).catch(() => undefined);
    const version =
      info === undefined
        ? 'version not told'
        : info.gatewayVersion === undefined
          ? `server ${info.version}`
          : `Enterprise Gateway ${info.gatewayVersion}`;
    report.tell({ what: http, verdict: 'ok', text: `It answers and takes our credentials (${version}).` });
    return kernelspecs;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    report.tell({ what: http, verdict: 'failed', text: `${error.message}.`, remedy: httpRemedy(error) });
    return undefined;
  }
}

function examineKernelspecs(
  kernelspecs: Kernelspecs,
  { config: { runs }, report }: ExamineGatewayOptions,
): void {
  const what = 'kernelspecs';
  const names = kernelspecs.list.map(({ name }) => name);
  if (names.length === 0) {
    const remedy = 'Install a kernelspec where the gateway runs, or let the gateway’s user see one.';
    report.tell({ what, verdict: 'failed', text: 'The gateway offers none.', remedy });
    return;
  }
  const strays = Object.entries(runs.languages).filter(([, target]) => !names.includes(target));
  const unusable = defaultProblem(kernelspecs, runs);
  if (strays.length > 0) {
    const list = strays.map(([alias, target]) => `${alias}=${target}`).join(', ');
    const text = `LANGUAGES names kernelspecs that are not there: ${list}. There are: ${names.join(', ')}.`;
    report.tell({ what, verdict: 'failed', text, remedy: 'Correct LANGUAGES.' });
  } else if (unusable !== undefined) {
    report.tell({ what, verdict: 'failed', text: unusable, remedy: 'Correct DEFAULT_LANGUAGE.' });
  } else report.tell({ what, verdict: 'ok', text: names.join(', ') });
}

/** Why a snippet without a language would be refused in a fresh channel. */
function defaultProblem(kernelspecs: Kernelspecs, runs: Config['runs']): string | undefined {
  if (runs.defaultLanguage === undefined) return undefined;
  const context = { kernelspecs, aliases: runs.languages };
  try {
    resolveLanguage(runs.defaultLanguage, context);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

async function examineLanguages(kernelspecs: Kernelspecs, options: ExamineGatewayOptions): Promise<void> {
  const { report, signal } = options;
  let websocketTold = false;
  for (const spec of defaultFirst(kernelspecs)) {
    if (signal.aborted) return;
    const what = spec.name;
    const tried = await tryLanguage(spec, options);
    if (signal.aborted) return;
    if (tried.kind === 'notConnected') {
      // What is wrong with the websocket is so for every kernel.
      const { error } = tried;
      report.tell({
        what: websocket,
        verdict: 'failed',
        text: `${error.message}.`,
        remedy: websocketRemedy(error),
      });
      report.tell({ what: 'languages', verdict: 'skipped', text: 'They need the websocket.' });
      return;
    }
    if (tried.kind !== 'notStarted' && !websocketTold) {
      websocketTold = true;
      report.tell({ what: websocket, verdict: 'ok', text: 'A kernel answers through it.' });
    }
    const remedy = tried.kind === 'notStarted' ? startRemedy(tried.error) : undefined;
    if (tried.kind === 'ok') report.tell({ what, verdict: 'ok', text: tried.text });
    else
      report.tell({
        what,
        verdict: 'failed',
        text: tried.text,
        remedy: remedy ?? 'Run the same in another client of this gateway, and read the gateway’s log.',
      });
  }
  if (!websocketTold)
    report.tell({ what: websocket, verdict: 'skipped', text: 'Needs a kernel that starts.' });
}

function defaultFirst({ default: usual, list }: Kernelspecs): Kernelspec[] {
  return list.toSorted((a, b) => Number(b.name === usual) - Number(a.name === usual));
}
