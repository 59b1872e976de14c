/** Updates the regions of the page and sends what the person does. */

const regions = ['sidebar', 'title', 'messages', 'thread', 'modal'];
const element = (id) => document.getElementById(id);
const query = () => new URLSearchParams(location.search);
let stream;

function connect() {
  stream?.close();
  const here = query();
  stream = new EventSource(`/page/live?${here.toString()}`);
  for (const region of regions) {
    stream.addEventListener(region, (event) => draw(element(region), JSON.parse(event.data)));
  }
  element('thread-pane').hidden = !here.has('thread');
  document.body.classList.toggle('with-thread', here.has('thread'));
  element('composer').hidden = here.get('tab') === 'home';
  element('user').value = here.get('user') ?? 'ana';
}

function go(change) {
  const next = query();
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  history.pushState(undefined, '', `?${next.toString()}`);
  connect();
}

/** Replaces only changed children, so that selections, scroll positions and typed text stay. */
function draw(region, html) {
  const atEnd = region.scrollHeight - region.scrollTop - region.clientHeight < 80;
  const fresh = document.createElement('template');
  fresh.innerHTML = html;
  const wanted = [...fresh.content.children];
  const byId = new Map(
    [...region.children].filter((child) => child.id !== '').map((child) => [child.id, child]),
  );
  const drawn = wanted.map((child) => {
    const known = byId.get(child.id);
    return known !== undefined && known.source === child.outerHTML ? known : marked(child);
  });
  region.replaceChildren(...drawn);
  const isNew = region.dataset.place !== location.search;
  // A home tab is read from its top.
  const isHome = new URLSearchParams(location.search).get('tab') === 'home';
  region.staysAtEnd = (atEnd || isNew) && !isHome;
  if (region.staysAtEnd) region.scrollTop = region.scrollHeight;
  else if (isNew) region.scrollTop = 0;
  region.dataset.place = location.search;
  region.querySelector('[autofocus]')?.focus();
}

// A picture takes room only once it is loaded.
document.addEventListener(
  'load',
  (event) => {
    const region = event.target.closest?.('.messages');
    if (region?.staysAtEnd) region.scrollTop = region.scrollHeight;
  },
  true,
);

function marked(child) {
  child.source = child.outerHTML;
  return child;
}

async function act(doing) {
  const user = query().get('user') ?? 'ana';
  const response = await fetch('/page/act', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, ...doing }),
  });
  const { refused } = await response.json();
  if (refused === undefined) return true;
  notify(refused);
  return false;
}

function notify(text) {
  const notice = element('notice');
  notice.textContent = text;
  notice.classList.add('shown');
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => notice.classList.remove('shown'), 5000);
}

function channelHere() {
  return document.querySelector('#sidebar .current')?.dataset.channel ?? query().get('at');
}

// Composers ------------------------------------------------------------------------------------------------------------

function isInFence(textarea) {
  return textarea.value.slice(0, textarea.selectionStart).split('```').length % 2 === 0;
}

function grow(textarea) {
  textarea.style.height = 'auto';
  textarea.style.height = `${Math.min(textarea.scrollHeight, 260)}px`;
}

async function submitComposer(form) {
  const { text, file } = form.elements;
  const thread = form.id === 'thread-composer' ? query().get('thread') : undefined;
  const channel = channelHere();
  if (form.dataset.editing !== undefined) {
    await act({ kind: 'edit', channel, ts: form.dataset.editing, text: text.value });
    return stopEditing(form);
  } else if (file.files.length > 0) {
    const [chosen] = file.files;
    await act({
      kind: 'upload',
      channel,
      thread,
      text: text.value,
      name: chosen.name,
      base64: await base64Of(chosen),
    });
    form.reset();
    form.querySelector('.attached').textContent = '';
  } else if (text.value.trim() !== '') {
    const said = text.value;
    text.value = '';
    grow(text);
    if (!(await act({ kind: 'say', channel, thread, text: said }))) text.value = said;
    return;
  }
  text.value = '';
  grow(text);
}

function base64Of(file) {
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => {
    reader.addEventListener('load', () => resolve(reader.result.split(',')[1] ?? ''));
    reader.addEventListener('error', () => reject(reader.error));
  });
  reader.readAsDataURL(file);
  return read;
}

for (const form of document.querySelectorAll('.composer')) {
  form.querySelector('.cancel-edit').addEventListener('click', () => stopEditing(form));
  const { text, file } = form.elements;
  text.addEventListener('input', () => grow(text));
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && form.dataset.editing !== undefined) stopEditing(form);
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isInFence(text)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  file.addEventListener('change', () => {
    form.querySelector('.attached').textContent = file.files[0]?.name ?? '';
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submitComposer(form);
  });
}

function startEditing(message, text) {
  const form = element(message.closest('#thread') === null ? 'composer' : 'thread-composer');
  form.dataset.editing = message.dataset.ts;
  form.querySelector('.primary').textContent = 'Save';
  form.elements.text.value = text;
  grow(form.elements.text);
  form.elements.text.focus();
}

/** Ends the editing of a message. */
function stopEditing(form) {
  delete form.dataset.editing;
  form.querySelector('.primary').textContent = 'Send';
  form.elements.text.value = '';
  grow(form.elements.text);
}

// Presses --------------------------------------------------------------------------------------------------------------

function press(target, choice) {
  if (target.dataset.confirm !== undefined && !confirm(target.dataset.confirm)) return;
  const actionId = target.dataset.press;
  const view = target.closest('[data-view]');
  if (view !== null) {
    void act({ kind: 'pressInView', viewId: view.dataset.view, actionId, choice });
    return;
  }
  const { ts, in: channel } = target.closest('.message').dataset;
  void act({ kind: 'press', channel, ts, actionId, choice });
}

function follow(target) {
  const { dataset } = target;
  const message = target.closest('.message');
  if (dataset.channel !== undefined) go({ at: dataset.channel, thread: undefined, tab: undefined });
  else if (dataset.thread !== undefined) go({ thread: dataset.thread });
  else if (dataset.tab !== undefined) openTab(dataset.tab);
  else if (dataset.edit !== undefined) startEditing(message, dataset.edit);
  else if (dataset.delete !== undefined)
    void act({ kind: 'delete', channel: message.dataset.in, ts: dataset.delete });
  else if (dataset.close !== undefined) void act({ kind: 'close', viewId: dataset.close });
  else if (dataset.shortcut !== undefined && message === null) {
    void act({ kind: 'globalShortcut', callbackId: dataset.shortcut });
  } else if (dataset.shortcut !== undefined) {
    const { ts, in: channel } = message.dataset;
    void act({ kind: 'messageShortcut', channel, ts, callbackId: dataset.shortcut });
  }
}

function openTab(tab) {
  go({ tab: tab === 'home' ? 'home' : undefined, thread: undefined });
  if (tab === 'home') void act({ kind: 'openHome' });
}

const followed =
  '[data-channel],[data-thread],[data-tab],[data-edit],[data-delete],[data-close],[data-shortcut]';

document.addEventListener('click', (event) => {
  const pressed = event.target.closest('button[data-press], a[data-press]');
  if (pressed !== null) {
    press(pressed);
    return;
  }
  const target = event.target.closest(followed);
  if (target === null || target.classList.contains('message')) return;
  event.preventDefault();
  follow(target);
});

document.addEventListener('change', (event) => {
  if (event.target.id === 'user') go({ user: event.target.value, thread: undefined });
  else if (event.target.dataset.press !== undefined) press(event.target, event.target.value);
});

element('modal').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const typed = {};
  for (const [name, value] of new FormData(form)) {
    if (value === '' || typeof value !== 'string') continue;
    typed[name] = name in typed ? [typed[name], value].flat() : value;
  }
  void act({ kind: 'submit', viewId: form.dataset.view, typed });
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const modal = document.querySelector('.modal');
  if (modal !== null) void act({ kind: 'close', viewId: modal.dataset.view });
  else if (query().has('thread')) go({ thread: undefined });
});

element('close-thread').addEventListener('click', () => go({ thread: undefined }));
addEventListener('popstate', connect);
connect();
