/** A person's browser window with the playground's page, driven by its visible texts. */
import type { Browser, Locator, Page } from 'playwright-core';
import type { Playground } from './playground.ts';

export interface PageWindowOptions {
  /** Default ana. */
  readonly user?: string;
  /** A channel's name or id; default data. */
  readonly at?: string;
  /** The ts of the thread that is open in the side pane. */
  readonly thread?: string;
  readonly isHome?: boolean;
  readonly colorScheme?: 'light' | 'dark';
  /** CSS pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Device pixels per CSS pixel. */
  readonly scale?: number;
}

export class PageWindow implements AsyncDisposable {
  readonly page: Page;
  /** Errors of the page's script. */
  readonly complaints: readonly string[];

  constructor(page: Page, complaints: readonly string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  /** The channel. */
  get channel(): Locator {
    return this.page.locator('#messages');
  }

  /** The side pane. */
  get thread(): Locator {
    return this.page.locator('#thread');
  }

  get modal(): Locator {
    return this.page.locator('.modal');
  }

  /** Ephemeral messages. */
  get whispers(): Locator {
    return this.page.locator('.whisper');
  }

  /** Types in the channel's box and presses Enter. */
  async say(typed: string): Promise<void> {
    await this.#type('#composer', typed);
  }

  /** The same in the side pane. */
  async reply(typed: string): Promise<void> {
    await this.#type('#thread-composer', typed);
  }

  /** Opens the thread of the newest message with this text, once it has replies. */
  async openThread(text: string): Promise<void> {
    const message = this.channel.locator('.message', { hasText: text }).last();
    await message.locator('.replies').click();
    await this.thread.locator('.message', { hasText: text }).first().waitFor();
  }

  async become(user: string): Promise<void> {
    await this.page.getByLabel('You are').selectOption(user);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }

  async #type(form: string, typed: string): Promise<void> {
    const box = this.page.locator(`${form} textarea`);
    await box.fill(typed);
    await box.press('Enter');
  }
}

/** Opens the page at a place and waits until it is drawn. */
export async function openPageWindow(
  browser: Browser,
  playground: Playground,
  options: PageWindowOptions = {},
): Promise<PageWindow> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    deviceScaleFactor: options.scale ?? 1,
    colorScheme: options.colorScheme ?? 'light',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (said) => {
    if (said.type() === 'error') complaints.push(said.text());
  });
  const place = new URLSearchParams({ user: options.user ?? 'ana', at: options.at ?? 'data' });
  if (options.thread !== undefined) place.set('thread', options.thread);
  if (options.isHome === true) place.set('tab', 'home');
  await page.goto(`${playground.origin}/?${place.toString()}`);
  await page.locator('#sidebar nav').first().waitFor();
  return new PageWindow(page, complaints);
}
