/** The open modals and the home tabs of users. A modal is a stack of at most three views. */
import type { Changes } from './changes.ts';
import { initialValues, type View, type ViewDraft } from './views.ts';
import type { World } from './world.ts';

export const maxStack = 3;

export class Modals {
  readonly homes = new Map<string, View>();
  readonly #world: World;
  readonly #changes: Changes;

  constructor(world: World, changes: Changes) {
    this.#world = world;
    this.#changes = changes;
  }

  /** The open views of a user, the visible one last. */
  stackOf(userId: string): View[] {
    return [...this.#world.views.values()].filter(
      (view) => view.open && view.userId === userId && view.draft.type === 'modal',
    );
  }

  top(userId: string): View | undefined {
    return this.stackOf(userId).at(-1);
  }

  find(reference: { viewId?: string | undefined; externalId?: string | undefined }): View | undefined {
    if (reference.viewId !== undefined) return this.#world.views.get(reference.viewId);
    return [...this.#world.views.values()].find(
      (view) =>
        view.open && view.draft.external_id === reference.externalId && reference.externalId !== undefined,
    );
  }

  /** Opens a modal; closes one that was open. */
  open(userId: string, draft: ViewDraft): View {
    for (const view of this.stackOf(userId)) view.open = false;
    return this.#add(userId, draft, undefined);
  }

  push(onto: View, draft: ViewDraft): View {
    return this.#add(onto.userId, draft, onto);
  }

  update(view: View, draft: ViewDraft): void {
    view.draft = draft;
    view.hash = this.#nextHash();
    view.values = initialValues(draft.blocks, view.values);
    view.errors = {};
    this.#changes.announce();
  }

  publishHome(userId: string, draft: ViewDraft): View {
    const known = this.homes.get(userId);
    if (known !== undefined) {
      this.update(known, draft);
      return known;
    }
    const view = this.#add(userId, draft, undefined);
    this.homes.set(userId, view);
    return view;
  }

  /** Closes a view; the one below it is visible again. */
  close(view: View): void {
    view.open = false;
    this.#changes.announce();
  }

  closeAll(userId: string): void {
    for (const view of this.stackOf(userId)) view.open = false;
    this.#changes.announce();
  }

  /** Shows errors at inputs that the app refused. */
  refuse(view: View, errors: Record<string, string>): void {
    view.errors = errors;
    this.#changes.announce();
  }

  #add(userId: string, draft: ViewDraft, under: View | undefined): View {
    const id = this.#world.nextId('V');
    const view: View = {
      id,
      userId,
      draft,
      hash: this.#nextHash(),
      values: initialValues(draft.blocks),
      rootId: under?.rootId ?? id,
      previousId: under?.id,
      open: true,
      errors: {},
    };
    this.#world.views.set(id, view);
    this.#changes.announce();
    return view;
  }

  #nextHash(): string {
    return `${this.#world.nowS()}.${this.#world.nextId('H')}`;
  }
}
