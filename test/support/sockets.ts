import { once } from 'node:events';
import type { Server } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';

/** Listens on a free loopback port, and gives the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** Joins two sockets until one of them ends. If one has ended already, it ends the other. */
export function pipeBoth(left: Duplex, right: Duplex): void {
  if (left.destroyed || right.destroyed) {
    left.destroy();
    right.destroy();
    return;
  }
  pipeline(left, right, () => left.destroy());
  pipeline(right, left, () => right.destroy());
}
