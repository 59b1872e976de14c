import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { limitDrain } from '../../src/shutdown.ts';

test('a drain that hangs ends after 9 s with a line and code 1', () => {
  vi.useFakeTimers();
  try {
    const lines: string[] = [];
    const codes: number[] = [];
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line).msg) });
    limitDrain(log, (code) => void codes.push(code));
    vi.advanceTimersByTime(8_900);
    expect(codes).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(codes).toEqual([1]);
    expect(lines).toEqual(['the shutdown took too long, so the process ends now']);
  } finally {
    vi.useRealTimers();
  }
});
