import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { auditRefused, withAudit } from '../../auth/audit.ts';
import {
  readReplacement,
  renderReplaceQuestion,
  savedAnswer,
  unchangedAnswer,
} from '../../blocks/saved/saved-text.ts';
import type { Bot } from '../../context.ts';
import { saveRun } from '../commands/saved.ts';
import { Acknowledgement, inTime } from '../deadline.ts';
import { notifyPerson, threadOf, withBoundary } from '../error-boundary.ts';

/** Replace, under the question that `save` asks where the name is taken. */
export async function onReplaceButton(
  { ack, body, action, respond }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const asked = action.type === 'button' ? readReplacement(action.value) : undefined;
  const reply = new Acknowledgement(ack, bot.log);
  if (asked === undefined) return await reply.send();
  const user = body.user.id;
  const where = { channel: body.channel?.id, user, thread: threadOf(body) };
  const notify = notifyPerson(bot.notify, where, reply);
  const pressed = { audit: 'press', act: 'replace', user, channel: where.channel, run: asked.runId };
  const onRefused = (error: unknown): void => auditRefused(pressed, error, bot);
  const what = 'a button of a saved snippet';
  await withBoundary({ log: bot.log, what, notify, onRefused }, async () => {
    const found = Promise.all([bot.findRun(asked.runId), bot.users.find(user)]);
    const [run, person] = await inTime(found, reply.signal);
    if (run === undefined)
      throw new UserError('badCommand', 'That run is not kept any more (KEEP_RUNS), so nothing was saved.');
    const { kind, saved } = await withAudit(pressed, bot, () =>
      inTime(saveRun(run, asked, person, bot), reply.signal),
    );
    await reply.send();
    // Somebody saved another under this name meanwhile: that one was not asked about.
    const answer =
      kind === 'taken'
        ? renderReplaceQuestion(run.id, saved)
        : { text: kind === 'saved' ? savedAnswer(saved) : unchangedAnswer(saved) };
    await respond({ replace_original: true, ...answer });
  });
}
