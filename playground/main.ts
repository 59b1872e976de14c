/** Starts the playground alone, for trying the page or another app: `node playground/main.ts [port]`. */
import { startPlayground } from './playground.ts';

const playground = await startPlayground({ port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${playground.origin}\n`);
for (const [name, value] of Object.entries(playground.environment))
  process.stdout.write(`${name}=${value}\n`);
process.once('SIGINT', () => void playground.stop());
process.once('SIGTERM', () => void playground.stop());
