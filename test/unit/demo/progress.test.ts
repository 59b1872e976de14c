import { expect, test } from 'vitest';
import { asStep, showProgress } from '../../../demo/provision/progress.ts';

function screenOf(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  const screen = { isTTY, write, ...(columns === undefined ? {} : { columns }) };
  return { written, clock, progress: showProgress(screen, () => clock.nowMs) };
}

test('a terminal shows one line that changes and is never wider than the terminal', () => {
  const { written, clock, progress } = screenOf(true, 30);
  const step = progress.step('Installing');
  step.detail('downloading a package with a long name');
  clock.nowMs = 1500;
  step.done('ready');
  expect(written).toEqual([
    '\r\u001B[2KInstalling …',
    '\r\u001B[2KInstalling … downloading a pa',
    '\r\u001B[2KInstalling: ready (1.5 s)\n',
  ]);
});

test('a plain stream gets whole lines, and a sign of life every ten seconds', () => {
  const { written, clock, progress } = screenOf(false);
  const step = progress.step('Installing');
  step.detail('one');
  clock.nowMs = 10_000;
  step.detail('two');
  clock.nowMs = 12_000;
  step.detail('three');
  step.done();
  expect(written).toEqual(['Installing …\n', '  two\n', 'Installing: done (12.0 s)\n']);
});

test('a step fails as its work does', async () => {
  const { written, progress } = screenOf(false);
  const work = asStep(progress, 'Installing', () => Promise.reject(new Error('no network')));
  await expect(work).rejects.toThrow('no network');
  expect(written.at(-1)).toBe('Installing: failed (0.0 s)\n');
});
