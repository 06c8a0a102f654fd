// The playground's page. The server says what is there; this shows it, and tells the server what
// people do. Outside text only ever becomes text: nothing here parses markup.
"use strict";

const COMMANDS = ["add", "list", "suspend", "resume", "next", "remove", "status", "help"];
const HOME = "home";
const view = { me: null, place: null, state: null, skew: 0, socket: null, wait: 500, chosen: {} };

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Keeping what is unchanged in place, so that focus, selection and screen readers stay calm.

function keep(container, items, keyOf, build) {
  const old = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const fresh = items.map((item) => {
    const key = String(keyOf(item));
    const signature = JSON.stringify(item);
    const known = old.get(key);
    if (known && known.dataset.signature === signature) return known;
    const element = build(item);
    element.dataset.key = key;
    element.dataset.signature = signature;
    return element;
  });
  const focused = focusedWithin(container);
  fresh.forEach((element, place) => {
    const there = container.children[place];
    if (there === element) return;
    if (there && there.dataset.key === element.dataset.key) there.replaceWith(element);
    else container.insertBefore(element, there ?? null);
  });
  while (container.children.length > fresh.length) container.lastElementChild.remove();
  restoreFocus(container, focused);
}

function focusedWithin(container) {
  const element = document.activeElement;
  if (!container.contains(element) || element === container) return null;
  const item = element.closest("[data-key]");
  return { element, key: item?.dataset.key, label: element.getAttribute("aria-label") };
}

function restoreFocus(container, focused) {
  if (!focused || container.contains(focused.element)) return;
  const item = [...container.children].find((child) => child.dataset.key === focused.key);
  const again = [...(item?.querySelectorAll("button, select, input") ?? [])];
  (again.find((each) => each.getAttribute("aria-label") === focused.label) ?? again[0])?.focus();
}

// Talking to the server

function connect() {
  const who = view.me ? `?person=${encodeURIComponent(view.me)}` : "";
  const socket = new WebSocket(`ws://${location.host}/live${who}`);
  view.socket = socket;
  socket.addEventListener("message", ({ data }) => {
    if (socket !== view.socket) return;
    view.wait = 500;
    live(true);
    receive(JSON.parse(data));
  });
  socket.addEventListener("close", () => {
    if (socket !== view.socket) return;
    live(false);
    setTimeout(connect, view.wait);
    view.wait = Math.min(view.wait * 2, 5000);
  });
}

function live(is) {
  $("status").textContent = is ? "Playground, live" : "Connection lost, trying again …";
  $("status").dataset.live = is ? "yes" : "no";
}

async function act(deed, body) {
  try {
    const answer = await fetch(`/do/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    return problem(said.problem ?? "");
  } catch {
    return problem("The playground does not answer. Is it still running?");
  }
}

// Shows what went wrong, or that nothing did; answers whether all is well.
function problem(words) {
  $("problem").textContent = words;
  $("problem").hidden = !words;
  return !words;
}

function receive(state) {
  view.skew = state.now - Date.now() / 1000;
  view.state = state;
  view.me = state.me;
  view.place ??= state.conversations[0].id;
  if (view.place !== HOME && !conversation()) view.place = state.conversations[1].id;
  show();
}

const me = () => view.state.people.find((person) => person.id === view.me);
const conversation = () => view.state.conversations.find((each) => each.id === view.place);

function speakAs(person) {
  const direct = view.state.conversations[1].id;
  if (view.place === direct) view.place = `D${person.slice(1)}`;
  view.me = person;
  const old = view.socket;
  connect();
  old.close();
}

function go(place) {
  view.place = place;
  const room = view.state.conversations[0].id;
  if (place !== room) act("open", { person: view.me, tab: place === HOME ? HOME : "messages" });
  show();
}

function look() {
  const here = conversation();
  if (here?.unread && document.visibilityState === "visible") {
    act("look", { person: view.me, channel: here.id });
  }
}

// Showing the state

function show() {
  showPeople();
  showConversations();
  showChat();
  showComposer();
  showGarage();
  showSteps();
  keep($("notes"), view.state.notes.map((line) => ({ line })), (n) => n.line, (n) => el("li", {}, n.line));
  $("notes-section").hidden = !view.state.notes.length;
  look();
}

function badge(count) {
  return count ? el("span", { class: "badge", "aria-label": `${count} new` }, String(count)) : null;
}

function avatar(id, name, bot = false) {
  if (bot) return el("span", { class: "avatar bot", "aria-hidden": "true" }, "⚡");
  const place = view.state.people.findIndex((person) => person.id === id);
  const initials = name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  return el("span", { class: `avatar hue${place < 0 ? "none" : place % 6}`, "aria-hidden": "true" }, initials);
}

function showPeople() {
  const items = view.state.people.map((person) => ({ ...person, here: person.id === view.me }));
  keep($("people"), items, (person) => person.id, (person) => {
    const radio = el("input", { type: "radio", name: "person", value: person.id, class: "hidden", "aria-label": person.name });
    radio.checked = person.here;
    radio.addEventListener("change", () => speakAs(person.id));
    const star = person.admin
      ? el("span", { class: "admin", title: "Workspace admin", role: "img", "aria-label": "admin" }, " ★") : null;
    return el("label", { class: person.here ? "person here" : "person" }, radio,
      avatar(person.id, person.name),
      el("span", { class: "who" }, el("span", { class: "name" }, person.name, star),
        el("small", {}, `ChargePoint ${person.chargepoint}`)),
      badge(person.unread));
  });
}

function showConversations() {
  const [room, direct] = view.state.conversations;
  const items = [
    { id: room.id, name: room.name, unread: room.unread },
    { id: direct.id, name: "EV Concierge (private messages)", unread: direct.unread },
    { id: HOME, name: "EV Concierge (Home tab)", unread: 0 },
  ].map((item) => ({ ...item, here: item.id === view.place }));
  keep($("conversations"), items, (item) => item.id, (item) => el("button", {
    type: "button",
    class: item.here ? "conversation here" : "conversation",
    "aria-current": item.here ? "page" : null,
    "aria-label": item.unread ? `${item.name}, ${item.unread} new` : item.name,
    onclick: () => go(item.id),
  }, el("span", {}, item.name), badge(item.unread)));
}

function showChat() {
  const here = conversation();
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60 || log.dataset.place !== view.place + view.me;
  log.dataset.place = view.place + view.me;
  if (here) showMessages(here); else showHome();
  if (atEnd) log.scrollTop = here ? log.scrollHeight : 0;
}

function showMessages(here) {
  const room = here === view.state.conversations[0];
  $("title").textContent = room ? here.name : "EV Concierge (private messages)";
  $("subtitle").textContent = room
    ? "Everybody in the office reads this"
    : `Only ${me().name} and the bot read this`;
  const empty = { ts: "empty", empty: true };
  let last = null;
  const items = here.messages.map((message) => {
    const follows = last && last.user === message.user && !message.prompt && !last.private
      && !message.private && message.ts - last.ts < 120;
    last = message;
    return { ...message, follows: Boolean(follows), me: view.me };
  });
  keep($("log"), items.length ? items : [empty], (item) => item.ts + view.place, (item) =>
    item.empty ? el("p", { class: "empty" }, "Nothing has been said here yet.") : message(item));
}

function showHome() {
  $("title").textContent = "EV Concierge (Home tab)";
  $("subtitle").textContent = `As ${me().name} sees it`;
  const home = view.state.home ?? { id: "none", parts: [] };
  const item = { ...home, me: view.me };
  keep($("log"), [item], () => "home", () => el("div", { class: "home" },
    ...(home.parts.length
      ? home.parts.map((part) => show_part(part, home.id))
      : [el("p", { class: "empty" }, "The bot has not published anything here yet.")])));
}

function clock(unix, form = { hour: "numeric", minute: "2-digit" }) {
  return new Intl.DateTimeFormat(undefined, form).format(new Date(unix * 1000));
}

function message(item) {
  const called = item.parts.some((part) => JSON.stringify(part).includes(`"mention":"${view.me}"`));
  const classes = ["message", item.private && "private", item.follows && "follows",
    called && "called"].filter(Boolean);
  const time = el("time", { datetime: new Date(item.ts * 1000).toISOString() }, clock(item.ts));
  const head = el("div", { class: "head" }, el("strong", {}, item.author),
    item.bot ? el("span", { class: "app" }, "APP") : null, time);
  return el("article", { class: classes.join(" "), "aria-label": `${item.author}, ${clock(item.ts)}` },
    item.follows ? el("span", { class: "gutter", "aria-hidden": "true" }, clock(item.ts)) : avatar(item.user, item.author, item.bot),
    el("div", { class: "body" },
      item.private ? el("p", { class: "only" }, "👁 Only visible to you") : null,
      item.prompt ? el("p", { class: "prompt" }, item.prompt) : null,
      item.follows ? null : head,
      ...item.parts.map((part) => show_part(part, item.ts)),
      item.edited ? el("span", { class: "edited" }, "(edited)") : null,
      item.reactions.length ? el("p", { class: "reactions" }, item.reactions.join(" ")) : null));
}

function show_part(part, on) {
  switch (part.kind) {
    case "header": return el("h3", {}, ...runs(part.spans));
    case "text": return el("p", { class: "text" }, ...runs(part.spans));
    case "fields": return el("div", { class: "fields" }, ...part.items.map((item) => el("p", { class: "text" }, ...runs(item))));
    case "context": return el("p", { class: "context" }, ...part.items.map((item) => el("span", {}, ...runs(item))));
    case "divider": return el("hr");
    case "table": return el("table", {}, el("tbody", {}, ...part.rows.map((row) =>
      el("tr", {}, ...row.map((cell) => el("td", {}, ...runs(cell)))))));
    case "actions": return el("div", { class: "actions" }, ...part.elements.map((each) => control(each, on)));
    default: return null;
  }
}

// Runs of text

function runs(spans) {
  return spans.map(run);
}

function run(span) {
  const marks = [...(span.marks ?? [])];
  let inner = plain(span);
  for (const mark of marks.reverse()) inner = el(tagOf(mark), {}, inner);
  return inner;
}

function tagOf(mark) {
  return { bold: "b", italic: "i", strike: "s", code: "code", pre: "pre" }[mark] ?? "span";
}

function plain(span) {
  if (span.mention) return el("span", { class: span.mention === view.me ? "mention you" : "mention" }, span.text);
  if (span.to_all) return el("span", { class: "mention all" }, span.text);
  if (span.url && /^https?:|^mailto:/.test(span.url)) {
    return el("a", { href: span.url, rel: "noopener noreferrer", target: "_blank" }, span.text);
  }
  if (span.unix !== undefined) return el("time", { title: span.text }, date(span));
  return document.createTextNode(span.text);
}

const DATES = {
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  day_divider_pretty: { weekday: "long", month: "long", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

function date(span) {
  return span.date.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(span.unix);
    const form = DATES[name.replace(/_pretty$/, "")] ?? DATES[name];
    if (!form) return whole;
    const days = name.endsWith("_pretty") ? pretty(span.unix) : null;
    return days ?? clock(span.unix, form);
  });
}

function pretty(unix) {
  const day = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const days = Math.round((day(unix * 1000) - day(Date.now())) / 86400000);
  return { 0: "today", "-1": "yesterday", 1: "tomorrow" }[days] ?? null;
}

function ago(unix) {
  const seconds = now() - unix;
  return seconds < 0 ? `in ${span_of(-seconds)}` : `${span_of(seconds)} ago`;
}

// Buttons and menus

function control(element, on) {
  const press = (choice) => pressed(element, on, choice);
  if (element.kind === "button") {
    const button = el("button", { type: "button", class: element.style, "aria-label": element.label }, element.label);
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      await press(null);
      button.removeAttribute("aria-busy");
    });
    return button;
  }
  if (element.kind === "menu") {
    const options = element.options.map((option) => el("option", { value: option.value }, option.label));
    const menu = el("select", { "aria-label": element.label }, el("option", { value: "" }, element.label), ...options);
    menu.addEventListener("change", () => menu.value && press(menu.value));
    return menu;
  }
  const picker = el("input", { type: element.kind, "aria-label": element.label, value: element.initial });
  const set = el("button", { type: "button", onclick: () => picker.value && press(picker.value) }, element.label);
  return el("span", { class: "picker" }, picker, set);
}

async function pressed(element, on, choice) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  const { action, block, value } = element;
  await act("press", { person: view.me, on, action, block, value: value ?? null, choice });
}

function confirmed(ask) {
  const dialog = $("confirm");
  $("confirm-title").textContent = ask.title;
  $("confirm-text").replaceChildren(...runs(ask.spans));
  $("confirm-yes").textContent = ask.yes;
  $("confirm-yes").className = ask.danger ? "danger" : "primary";
  $("confirm-no").textContent = ask.no;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Composing

function showComposer() {
  const home = view.place === HOME;
  $("composer").hidden = home;
  $("chips").hidden = home;
  $("words").placeholder = `Message ${home ? "" : $("title").textContent} as ${me().name}, or /ev …`;
  $("words-label").textContent = `Message as ${me().name}`;
}

async function send(text) {
  return act("send", { person: view.me, channel: view.place, text });
}

function prepare() {
  $("chips").append(...COMMANDS.map((word) => el("button", {
    type: "button", class: "chip", onclick: () => send(`/ev ${word}`),
  }, `/ev ${word}`)));
  $("composer").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("words").value;
    if (!text.trim()) return;
    $("words").value = "";
    if (!(await send(text)) && !$("words").value) $("words").value = text;
  });
  document.addEventListener("visibilitychange", () => view.state && look());
  setInterval(tick, 1000);
}

// The garage

const now = () => Date.now() / 1000 + view.skew;

function span_of(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = span_of(now() - element.dataset.since);
  }
}

const portName = (port) => `${port.name.split("/").pop().trim()} ${port.number}`;

function showGarage() {
  const people = view.state.people.map(({ name, chargepoint }) => ({ name, chargepoint }));
  const items = view.state.garage.map((port) => ({ ...port, people }));
  keep($("ports"), items, (port) => `${port.station} ${port.number}`, port_card);
  tick();
}

function port_card(port) {
  const key = `${port.station} ${port.number}`;
  const state = port.car ? "charging" : port.status === "AVAILABLE" ? "free" : "out";
  const words = { charging: "Charging", free: "Free", out: port.status.toLowerCase() }[state];
  return el("article", { class: `port ${state}`, "aria-label": `${portName(port)}, ${words}` },
    el("header", {}, el("h3", {}, portName(port)), el("span", { class: "state" }, words)),
    port.car ? parked(port) : arriving(port, key));
}

function parked(port) {
  const out = el("button", {
    type: "button",
    "aria-label": `Plug out at ${portName(port)}`,
    onclick: () => act("plug-out", { station: port.station, number: port.number }),
  }, "Plug out");
  return el("div", { class: "row" },
    el("p", { class: "car" }, el("span", { "aria-hidden": "true" }, "🚗 "), el("b", {}, port.car.driver),
      el("small", { "data-since": port.car.since })),
    out);
}

function arriving(port, key) {
  const choices = [
    ...port.people.map((person) => el("option", { value: person.chargepoint }, `${person.name} (${person.chargepoint})`)),
    el("option", { value: "" }, "A guest unknown to ChargePoint"),
  ];
  const who = el("select", { "aria-label": `Who plugs in at ${portName(port)}` }, ...choices);
  who.value = view.chosen[key] ?? port.people[0].chargepoint;
  who.addEventListener("change", () => { view.chosen[key] = who.value; });
  const plug = el("button", {
    type: "button",
    class: "primary",
    "aria-label": `Plug in at ${portName(port)}`,
    onclick: () => act("plug-in", { station: port.station, number: port.number, user: who.value || null }),
  }, "Plug in");
  return el("div", { class: "row" }, who, plug);
}

// Try this

const first = (name) => name.split(" ")[0];

function steps() {
  const [ada, grace] = view.state.people;
  const nikola = view.state.people.at(-1);
  const [a, g, n] = [ada, grace, nikola].map((person) => first(person.name));
  return [
    { words: `All ports are taken, so ${a} and ${g} queue up with /ev add.`,
      does: [as(ada, "/ev add"), as(grace, "/ev add")] },
    { words: `A car drives off. ${a} is called by name in the room, and in private too: see the badge. As ${a}, press “On my way”.`,
      does: [leave, () => speakAs(ada.id)] },
    { words: `${a} tells the bot a ChargePoint ID with /ev register, plugs in and is off the queue.`,
      does: [as(ada, `/ev register ${ada.chargepoint}`), () => arrive(ada.chargepoint)] },
    { words: `${n} queues up as well, and another car drives off. Don't react as ${g}: the call runs out, and ${n} is called.`,
      does: [as(nikola, "/ev add"), leave] },
    { words: `Don't react as ${n} either: the charger stands idle, and the room is told so. Then let a guest plug in. 20 seconds later the bot asks who that is: as ${g}, press “That's me”.`,
      does: [() => arrive(null), () => speakAs(grace.id)] },
    { words: `Leave ${a}'s car where it is. In a while the bot asks ${a} to make room.` },
  ];
}

function as(person, text) {
  return () => act("send", { person: person.id, channel: view.state.conversations[0].id, text });
}

async function leave() {
  const { people, garage } = view.state;
  const ours = [people[0], people[1], people.at(-1)].map((person) => person.chargepoint);
  const port = garage.find((each) => each.car && !ours.includes(each.car.user));
  if (!port) return problem("Nobody is there to drive off. Plug a guest in first.");
  return act("plug-out", { station: port.station, number: port.number });
}

async function arrive(user) {
  const port = view.state.garage.find((each) => !each.car);
  if (!port) return problem("No port is free. Let a car drive off first.");
  return act("plug-in", { station: port.station, number: port.number, user });
}

function showSteps() {
  if ($("steps").children.length) return;
  $("steps").append(...steps().map(({ words, does }, place) => el("li", {}, el("div", {},
    el("span", {}, words), does ? doer(place) : null))));
}

function doer(place) {
  const doing = async ({ currentTarget }) => {
    const item = currentTarget.closest("li");
    for (const deed of steps()[place].does) if ((await deed()) === false) return;
    item.classList.add("done");
  };
  return el("button", {
    type: "button", class: "chip", "aria-label": `Do step ${place + 1} for me`, onclick: doing,
  }, "Do it");
}

prepare();
connect();
