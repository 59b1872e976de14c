import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { z } from 'zod';

const KEPT_MS = 60 * 60_000;

const draftSchema = z.object({
  channel: z.string(),
  thread: z.string(),
  blocks: z.array(z.string()),
  /** The author's own message it stands in, where he is the one who runs it. */
  message: z.string().optional(),
});
export type Draft = z.infer<typeof draftSchema>;

/** Code that waits until its person has said in which language it is. Forgotten after an hour. */
export interface Drafts {
  keep(draft: Draft): Promise<string>;
  find(id: string): Promise<Draft | undefined>;
}

export function draftsIn(keyv: Keyv): Drafts {
  return {
    async keep(draft) {
      const id = randomUUID();
      await keyv.set(id, draft, KEPT_MS);
      return id;
    },
    find: async (id) => draftSchema.safeParse(await keyv.get(id)).data,
  };
}
