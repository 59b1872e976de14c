import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { settingNames, settingsSchema } from '../../../src/config/settings.ts';

/** docs/platforms: what is written there is pasted into somebody's settings. */

const folder = new URL('../../../docs/platforms/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name !== 'README.md');
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

/** The code blocks of a page that are settings, not commands. */
function settingsOf(page: string): Record<string, string>[] {
  return [...page.matchAll(/^```sh\n(.*?)^```/gms)]
    .map(([, block = '']) => block)
    .filter((block) => block.split('\n').every((line) => /^(#.*|[A-Z][A-Z0-9_]+=.*)?$/.test(line)))
    .map((block) => {
      // It stands for what the reader alone knows.
      const env = parseEnv(block.replaceAll('…', 'x'));
      return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? '']));
    });
}

test('each page is in the list, and the list has no other', () => {
  const listed = [...read('README.md').matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, name]) => name);
  expect(new Set(listed)).toEqual(new Set(pages));
});

describe.each(pages)('%s', (name) => {
  const page = read(name);

  test('has settings that are settings, with values that are taken', () => {
    const blocks = settingsOf(page);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      expect(Object.keys(block).filter((setting) => !settingNames.includes(setting))).toEqual([]);
      const given = Object.fromEntries(
        Object.entries(block).filter(([setting]) => setting in settingsSchema.shape),
      );
      expect(settingsSchema.safeParse(given).error?.issues ?? []).toEqual([]);
    }
  });

  test('links to what is there', () => {
    const targets = [...page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(new URL(target, folder)))).toEqual([]);
  });

  test('says what was tried and what was read', () => {
    expect(page).toMatch(/^## Tried, and read$/m);
    expect(page).toMatch(/^- Tried: /m);
  });
});
