/** Starts the playground alone, for trying the page or another app: `node playground/main.ts [port]`. */
import { startPlayground } from './playground.ts';

const [given = '0', ...more] = process.argv.slice(2);
if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535 || more.length > 0) {
  process.stderr.write('usage: node playground/main.ts [port]\n');
  process.exit(78);
}
const playground = await startPlayground({ port: Number(given) });
process.stdout.write(`${playground.origin}\n`);
for (const [name, value] of Object.entries(playground.environment))
  process.stdout.write(`${name}=${value}\n`);
process.once('SIGINT', () => void playground.stop());
process.once('SIGTERM', () => void playground.stop());
