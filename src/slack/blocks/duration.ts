/** `0.05 s`, `3.2 s`, `42 s`, `2 min 5 s`, `1 h 3 min`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  // What ran took some time: 0 s would say that nothing did.
  if (seconds < 1) return `${Math.max(0.01, Number(seconds.toFixed(2)))} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return renderElapsed(ms);
}

/** As a clock that runs: whole seconds, `12 s`, `2 min 5 s`, `1 h 3 min`. */
export function renderElapsed(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
