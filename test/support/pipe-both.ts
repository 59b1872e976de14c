import { type Duplex, pipeline } from 'node:stream';

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
