import { deliverToFile, deliverToUrl } from '../audit/pending-lines.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { openSpoolFolder, roomOnDisk } from '../output/spool/spool.ts';
import { listen } from '../server/health.ts';
import { openSlackNetwork } from '../slack/transport/network.ts';
import type { Report } from './report.ts';

const ANSWER_MS = 5_000;

type MachineConfig = Pick<Config, 'spoolDir' | 'spoolLimitBytes' | 'http' | 'audit' | 'proxy'>;

/** Tries what the bot uses of this machine: the folder for output, its ports, and where the audit goes. */
export async function checkMachine(config: MachineConfig, report: Report): Promise<void> {
  const { port, host, metrics } = config.http;
  const tried = async (what: string, check: () => Promise<string>): Promise<void> => {
    try {
      report.ok(what, await check());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message.includes('is taken already'))
        report.skipped(what, `${error.message} A running bot has it.`);
      else report.failed(what, error.message);
    }
  };
  await tried('output on disk', () => checkFolder(config, report));
  await tried('port', () => checkPort({ setting: 'PORT', host, port }));
  if (metrics !== undefined) await tried('metrics', () => checkPort({ setting: 'METRICS', ...metrics }));
  if (config.audit.target.kind !== 'log') await tried('audit', () => checkAudit(config));
}

async function checkFolder({ spoolDir, spoolLimitBytes }: MachineConfig, report: Report): Promise<string> {
  const { dir, parent, close } = await openSpoolFolder(spoolDir);
  const room = await roomOnDisk(parent);
  await close();
  if (room < spoolLimitBytes)
    report.note(
      `The disk of ${dir} has room for ${Math.floor(room / 1e6)} MB, which is less than SPOOL_LIMIT.`,
    );
  return `${dir} can be written.`;
}

async function checkPort(at: Omit<Parameters<typeof listen>[0], 'answer'>): Promise<string> {
  const server = await listen({ ...at, answer: (_, response) => void response.end() });
  await server.close();
  return `${at.host ?? 'Every address of this machine'}, port ${server.port}: it is free.`;
}

/** Sends no line, because the audit has only what people asked for. */
async function checkAudit({ audit: { target }, proxy }: MachineConfig): Promise<string> {
  if (target.kind === 'log') return '';
  const [where, deliver] =
    target.kind === 'file'
      ? [target.path, deliverToFile(target.path)]
      : [target.url.host, deliverToUrl(target.url, openSlackNetwork(proxy).fetch)];
  try {
    await deliver('', AbortSignal.timeout(ANSWER_MS));
  } catch (error) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const why = cause instanceof Error ? cause.message : message;
    // A collector may refuse what has no line.
    if (!why.endsWith('HTTP 400'))
      throw new ConfigError([
        `AUDIT: ${where} takes no lines (${why}). The bot starts, and they wait on its disk.`,
      ]);
  }
  return `${where} takes lines.`;
}
