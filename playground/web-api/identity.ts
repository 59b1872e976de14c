/** Who the app is: auth.test, api.test, apps.connections.open, bots.info, team.info. */
import { method, Refusal, text, type Methods } from './method.ts';

export const identityMethods: Methods = {
  'api.test': method({ takesJson: true, args: { error: text.optional() }, run: () => ({ args: {} }) }),

  'auth.test': method({
    takesJson: true,
    args: {},
    run: ({ world }) => ({
      url: `https://${world.domain}.slack.com/`,
      team: world.teamName,
      user: world.bot.name,
      team_id: world.teamId,
      user_id: world.bot.id,
      bot_id: world.bot.botId,
      is_enterprise_install: false,
    }),
  }),

  'apps.connections.open': method({
    token: 'app',
    takesJson: true,
    args: {},
    run: (service) => ({ url: `${service.origin.replace('http', 'ws')}${service.socket.issuePath()}` }),
  }),

  'bots.info': method({
    scopes: ['users:read'],
    args: { bot: text.optional(), team_id: text.optional() },
    run({ world }, args) {
      const user = args.bot === undefined ? world.bot : world.userOfBot(args.bot);
      if (user === undefined) throw new Refusal('bot_not_found');
      return {
        bot: { id: user.botId, app_id: user.appId, user_id: user.id, name: user.name, deleted: user.deleted },
      };
    },
  }),
};
