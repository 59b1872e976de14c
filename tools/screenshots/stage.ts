import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { pageShortcuts } from '../../demo/page-shortcuts.ts';
import { writeKernelspecs } from '../../demo/provision/kernelspecs.ts';
import { showProgress } from '../../demo/provision/progress.ts';
import { provision } from '../../demo/provision/provision.ts';
import { findChromium, startChromium } from '../../playground/browser.ts';
import { type PageWindow, type PageWindowOptions, openPageWindow } from '../../playground/page-window.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { brokenKernelspecs } from '../../test/support/backends/kernelspecs.ts';
import { startBot } from '../../test/support/start-bot.ts';

export interface Stage {
  readonly browser: Browser;
  readonly gateway: KernelGateway;
  readonly playground: Playground;
  readonly hasSpark: boolean;
  /** The kernels' own Python, with their packages. */
  readonly pythonProgram: string;
  end(): Promise<void>;
}

/** A gateway, a bot and a local Slack, all real; limits are short, so that every way to end can be shown. */
export async function startStage(): Promise<Stage> {
  const executable = findChromium();
  if (executable === undefined) throw new Error('Screenshots need Chromium on the PATH.');
  const provisioned = await provision(process.env, showProgress(process.stderr));
  const kernelspecsFolder = await writeKernelspecs(provisioned.cache, {
    ...provisioned.kernelspecs,
    ...brokenKernelspecs,
  });
  const hasSpark = provisioned.java !== undefined;
  const gateway = await startKernelGateway({ provisioned, kernelspecsFolder });
  const playground = await startPlayground({
    shortcuts: pageShortcuts,
    workspace: { name: 'Riverside' },
    rates: false,
  });
  const browser = await startChromium(executable);
  const bot = await startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: {
      LANGUAGES: `python2=${hasSpark ? 'python3-spark' : 'python3'},broken=broken-exit`,
      DEFAULT_LANGUAGE: 'python3',
      RUN_TIMEOUT: '15s',
      INPUT_TIMEOUT: '8s',
      MAX_OUTPUT: '1MB',
      KERNEL_LAUNCH_TIMEOUT: '20s',
      START_CONCURRENCY: '3',
    },
  });
  return {
    browser,
    gateway,
    playground,
    hasSpark,
    pythonProgram: provisioned.venv.python,
    async end() {
      await bot[Symbol.asyncDispose]();
      await browser.close();
      await playground.stop();
      await gateway.stop();
    },
  };
}

export interface Photo {
  name: string;
  folder: string;
}

/** The whole window as a PNG. */
export async function photographWindow(window: PageWindow, { name, folder }: Photo): Promise<void> {
  await settled(window);
  await mkdir(folder, { recursive: true });
  await window.page.screenshot({ path: join(folder, `${name}.png`) });
}

/** One region of the page with all that can be scrolled in it. */
export async function photographRegion(
  window: PageWindow,
  region: Locator,
  { name, folder }: Photo,
): Promise<void> {
  await settled(window);
  await mkdir(folder, { recursive: true });
  const frame = await region.boundingBox();
  const last = await region.locator('> :last-child').boundingBox();
  if (frame === null || last === null) throw new Error(`nothing to see for ${name}`);
  const top = frame.y + 1;
  const height = Math.min(frame.height, last.y + last.height + 10 - top);
  await window.page.screenshot({ path: join(folder, `${name}.png`), clip: { ...frame, y: top, height } });
}

/** Waits for all pictures and moves the pointer out of the way. */
async function settled(window: PageWindow): Promise<void> {
  await window.page.mouse.move(0, 0);
  for (const picture of await window.page.locator('img').all())
    await picture.evaluate((image) =>
      'decode' in image ? Reflect.apply(Object(image.decode), image, []) : 0,
    );
}

export async function openOn(stage: Stage, options: PageWindowOptions): Promise<PageWindow> {
  const window = await openPageWindow(stage.browser, stage.playground, options);
  window.page.setDefaultTimeout(30_000);
  return window;
}
