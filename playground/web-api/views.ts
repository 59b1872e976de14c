/** views.*: modals and home tabs. */
import { z } from 'zod';
import { maxStack } from '../modals.ts';
import type { Service } from '../service.ts';
import type { Redemption } from '../triggers.ts';
import { presentView, readView, type View, type ViewDraft } from '../views.ts';
import { json, method, Refusal, text, type Answer, type Methods } from './method.ts';

const view = json(z.record(z.string(), z.unknown()));

export const viewMethods: Methods = {
  'views.open': method({
    takesJson: true,
    args: { view, trigger_id: text.optional(), interactivity_pointer: text.optional() },
    run(service, args) {
      const draft = checked(service, args.view, 'modal');
      refuseTakenExternalId(service, draft, undefined);
      const { userId } = redeemed(service, args.trigger_id ?? args.interactivity_pointer ?? '');
      return shown(service, service.modals.open(userId, draft));
    },
  }),

  'views.push': method({
    takesJson: true,
    args: { view, trigger_id: text.optional(), interactivity_pointer: text.optional() },
    run(service, args) {
      const draft = checked(service, args.view, 'modal');
      refuseTakenExternalId(service, draft, undefined);
      const { userId, viewId } = redeemed(service, args.trigger_id ?? args.interactivity_pointer ?? '');
      const under = viewId === undefined ? undefined : service.world.views.get(viewId);
      if (under === undefined || !under.open) throw new Refusal('not_found');
      if (service.modals.stackOf(userId).length >= maxStack) throw new Refusal('push_limit_reached');
      return shown(service, service.modals.push(under, draft));
    },
  }),

  'views.update': method({
    takesJson: true,
    args: { view, view_id: text.optional(), external_id: text.optional(), hash: text.optional() },
    run(service, args) {
      const target = service.modals.find({ viewId: args.view_id, externalId: args.external_id });
      if (target === undefined || !target.open) throw new Refusal('not_found');
      const draft = checked(service, args.view, target.draft.type);
      refuseTakenExternalId(service, draft, target);
      if (args.hash !== undefined && args.hash !== target.hash) throw new Refusal('hash_conflict');
      service.modals.update(target, draft);
      return shown(service, target);
    },
  }),

  'views.publish': method({
    takesJson: true,
    args: { user_id: text, view, hash: text.optional() },
    run(service, args) {
      if (!service.world.users.has(args.user_id)) throw new Refusal('user_not_found');
      const draft = checked(service, args.view, 'home');
      const known = service.modals.homes.get(args.user_id);
      if (args.hash !== undefined && known !== undefined && args.hash !== known.hash)
        throw new Refusal('hash_conflict');
      return shown(service, service.modals.publishHome(args.user_id, draft));
    },
  }),
};

function checked(service: Service, value: unknown, surface: 'modal' | 'home'): ViewDraft {
  const verdict = readView(value, surface, () => service.world.nextId('b'));
  if (verdict.ok) return verdict.draft;
  throw new Refusal(verdict.error, { response_metadata: { messages: verdict.messages } });
}

function redeemed(service: Service, triggerId: string): Extract<Redemption, { ok: true }> {
  const redemption = service.triggers.redeem(triggerId);
  if (!redemption.ok) throw new Refusal(redemption.error);
  return redemption;
}

function refuseTakenExternalId(service: Service, draft: ViewDraft, except: View | undefined): void {
  const holder = service.modals.find({ externalId: draft.external_id });
  if (holder !== undefined && holder !== except) throw new Refusal('duplicate_external_id');
}

function shown(service: Service, shownView: View): Answer {
  const { world } = service;
  return {
    view: presentView(shownView, { teamId: world.teamId, appId: world.appId, botId: world.bot.botId ?? '' }),
  };
}
