/** Chromium, for tests of the page and `npm run screenshots`. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** No requests to other machines, and an empty profile for each start. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why a test is skipped without Chromium. */
export const missingChromium = 'skipped, because no Chromium is on the PATH';

/** The first Chromium on the path. */
export function findChromium(path = process.env['PATH'] ?? ''): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** @throws when it does not start */
export async function startChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: flags, timeout: 100_000 });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
