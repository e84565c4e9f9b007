// How the runs get on: what needs attention first, then progress, failures, workers, pace, events.
import { app, duration, get, h, link, percent, plural, post, say, short, svg, time, whole } from "/tools.js";

const kStates = [["done", "captioned"], ["unsure", "unsure"], ["blurred", "blurred"], ["failed", "failed"], ["pending", "to do"]];
let root = null;
let details = new Map();
let workers = null;
let pace = [];
let refreshing = 0;
let looked = 0;
let failures = "";

const warnings = (detail) => (detail ? detail.events.filter((event) => event.level !== "info") : []);

function attention(run, detail) {
  const list = [];
  const add = (text, href) => list.push(h("li", {}, href ? h("a", { href }, text) : text));
  if (run.control !== "running") add(`Run ${run.name} is ${run.control}.`);
  if (run.pending > 0 && app.writer === null && run.control === "running") {
    add(`${plural(run.pending, "photo")} to do, and no scheduler is running: photoscribe run -o ${app.archive.path}`);
  }
  if (run.pending > 0 && app.writer !== null && workers !== null && workers.length === 0) add("No worker reports.");
  for (const one of workers || []) {
    if (one.not_ready) add(`Worker ${one.worker} takes no work: ${one.not_ready}`);
    for (const [name, why] of Object.entries(one.roots)) if (why) add(`Worker ${one.worker}: root ${name}: ${why}`);
  }
  if (run.failed > 0) add(`${plural(run.failed, "photo")} failed.`, link("gallery", { run: run.id, state: "failed" }));
  if (run.unsure > 0) {
    add(`${plural(run.unsure, "caption")} not shown, since the model is unsure: look through them.`,
      link("gallery", { run: run.id, state: "unsure", sort: "confidence", order: "desc" }));
  }
  const last = warnings(detail)[0];
  if (last) add(`${time(last.at_unix_ms)}: ${last.text}`);
  return list.length ? h("ul", { class: "attention" }, list) : h("p", { class: "soft" }, "Nothing needs attention.");
}

async function steer(run, action, reasons) {
  try {
    const reply = await post(`/api/runs/${run.id}/control`, { action, reasons });
    say(action === "retry"
      ? `${plural(reply.photos, "photo")} will be tried again${reply.served ? "" : " by the next run"}.`
      : `Run ${run.name}: ${reply.control}.`);
    details.delete(run.id);
    look();
  } catch (error) {
    say(error.message, true);
  }
}

function buttons(run) {
  if (!app.edit) return null;
  const button = (action, text) => h("button", { type: "button", onclick: () => steer(run, action) }, text);
  return h("p", { class: "buttons" },
    run.control === "running" ? button("pause", "Pause") : button("resume", "Resume"),
    run.control === "cancelled" || run.pending === 0 ? null : button("cancel", "Cancel"),
    run.failed > 0 ? button("retry", "Retry failed photos") : null);
}

function numbers(run) {
  const finished = run.total - run.pending;
  const bar = h("div", { class: "bar", role: "img", "aria-label": `${percent(finished, run.total)} finished` });
  for (const [state] of kStates.slice(0, 4)) {
    const part = h("span", { class: state });
    part.style.width = `${run.total ? (100 * run[state]) / run.total : 0}%`;
    bar.append(part);
  }
  const tile = (value, text, href) => h(href ? "a" : "div", { class: "tile", href }, h("b", {}, value), h("span", {}, text));
  return [bar, h("div", { class: "tiles" },
    tile(percent(finished, run.total), `of ${plural(run.total, "photo")}`),
    kStates.map(([state, text]) => tile(whole(run[state]), text, link("gallery", { run: run.id, state }))),
    tile(run.photos_per_s > 0 ? short(run.photos_per_s) : "0", "photos/s"),
    tile(run.left_s === null ? "–" : duration(run.left_s), "left"))];
}

function failureTable(run, detail) {
  if (!detail || detail.failures.length === 0) return null;
  return [h("h3", {}, "Why photos failed"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Why photos failed" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Reason", "Photos", "An example"].map((text) => h("th", { scope: "col" }, text)), app.edit ? h("th", { scope: "col" }, "Again") : null)),
    h("tbody", {}, detail.failures.map((one) => h("tr", {},
      h("td", {}, h("a", { href: link("gallery", { run: run.id, state: "failed", reason: one.reason }) }, one.reason)),
      h("td", { class: "number" }, whole(one.photos)),
      h("td", { class: "left" }, one.example, h("small", {}, one.detail),
        Object.entries(one.formats).map(([format, photos]) => h("small", {}, `${format}: ${whole(photos)}`))),
      app.edit ? h("td", {}, h("button", { type: "button", onclick: () => steer(run, "retry", [one.reason]), "aria-label": `Retry ${one.reason}` }, "Retry")) : null)))))];
}

function settingsLine(run, detail) {
  if (!detail) return null;
  return h("p", { class: "soft" }, `Model ${detail.model_name || "?"} ${detail.model.slice(0, 12)}, beam ${detail.beam}, blurred below ${run.blur_threshold} (${run.blur_mode})`
    + (run.min_confidence > 0 ? `, unsure below ${run.min_confidence}` : "")
    + (detail.bleu ? `; BLEU-4 ${short(detail.bleu.bleu4, 1)} over ${plural(detail.bleu.photos, "photo")}` : "")
    + `; ${detail.roots.map((one) => `${one.name}: ${one.folder}`).join(", ")}`);
}

function workerTable() {
  if (workers === null) return null;
  if (workers.length === 0) return [h("h2", {}, "Workers"), h("p", { class: "soft" }, "None reports.")];
  const beat = (ms) => (ms < 2000 ? "now" : `${duration(ms / 1000)} ago`);
  return [h("h2", {}, "Workers"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Workers" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Worker", "Host", "Devices", "Photos", "Photos/s", "Last beat", "Model"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, workers.map((one) => h("tr", { class: one.last_beat_ms > 10000 ? "silent" : null },
      h("td", {}, one.worker), h("td", {}, one.host), h("td", {}, one.devices.join(", ")),
      h("td", { class: "number" }, whole(one.photos)), h("td", { class: "number" }, short(one.photos_per_s)),
      h("td", {}, beat(one.last_beat_ms)), h("td", {}, `${one.model_name} ${one.model.slice(0, 12)}`))))))];
}

function paceChart() {
  if (pace.length < 2) return null;
  const width = 800, height = 160, base = 140;
  const from = pace[0][0], to = Math.max(pace[pace.length - 1][0], from + 1000);
  const slots = new Array(80).fill(0);
  for (let i = 1; i < pace.length; ++i) {  // results between two points, spread over their time
    const results = pace[i][1] - pace[i - 1][1];
    const place = (ms) => Math.min(79, Math.max(0, Math.floor((80 * (ms - from)) / (to - from))));
    const first = place(pace[i - 1][0]), last = Math.max(first, place(pace[i][0]));
    for (let slot = first; slot <= last; ++slot) slots[slot] += results / (last - first + 1);
  }
  const seconds = (to - from) / 80000;
  const most = Math.max(...slots) / seconds;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `Photos per second from ${time(from)} to ${time(to)}, at most ${short(most)}` });
  slots.forEach((results, slot) => {
    const tall = most > 0 ? (base - 16) * (results / seconds / most) : 0;
    const bar = svg("rect", { x: slot * 10 + 1, y: base - tall, width: 8, height: tall, class: "column" });
    bar.append(svg("title", {}, `${short(results / seconds)} photos/s`));
    chart.append(bar);
  });
  const text = (x, anchor, y, words) => chart.append(svg("text", { x, y, "text-anchor": anchor }, words));
  text(0, "start", 12, `${short(most)} photos/s`);
  text(0, "start", height - 3, time(from));
  text(width, "end", height - 3, time(to));
  return [h("h2", {}, "Pace of the last twelve hours"), chart];
}

function eventList(detail) {
  if (!detail || detail.events.length === 0) return null;
  return h("details", {}, h("summary", {}, `Events (${detail.events.length})`), h("ul", { class: "events" },
    detail.events.map((event) => h("li", { class: event.level }, h("time", {}, time(event.at_unix_ms)), ` ${event.text}`))));
}

function draw() {
  if (!root) return;
  const open = new Set([...root.querySelectorAll("details[open]")].map((one) => one.dataset.run));
  const focused = document.activeElement && root.contains(document.activeElement) ? document.activeElement.textContent : null;
  const newest = [...app.runs].reverse();
  root.replaceChildren(
    h("p", { class: "soft" }, app.writer === null ? "No scheduler is running." : `A scheduler is running (process ${app.writer}).`),
    ...newest.map((run) => {
      const detail = details.get(run.id);
      const events = eventList(detail);
      if (events) {
        events.dataset.run = run.id;
        events.open = open.has(String(run.id));
      }
      const state = run.pending === 0 ? "complete" : run.control === "running" ? (run.photos_per_s > 0 ? "at work" : "unfinished") : run.control;
      return h("section", { "aria-label": `Run ${run.name}` }, h("h2", {}, `Run ${run.name}: ${state}`),
        attention(run, detail), ...numbers(run), buttons(run), failureTable(run, detail), settingsLine(run, detail), events);
    }),
    ...[workerTable(), paceChart()].flat().filter(Boolean));
  if (focused) {
    const again = [...root.querySelectorAll("button, a")].find((one) => one.textContent === focused);
    if (again) again.focus({ preventScroll: true });
  }
}

async function look() {
  looked = Date.now();
  const mine = ++refreshing;
  try {
    const all = await Promise.all([
      get("/api/workers").then((found) => found.workers).catch(() => workers),
      get("/api/pace").then((found) => found.points),
      ...app.runs.map((run) => get(`/api/runs/${run.id}`).then((found) => details.set(run.id, found))),
    ]);
    if (mine !== refreshing) return;
    [workers, pace] = all;
  } catch (error) {
    say(error.message, true);
  }
  draw();
}

export async function enter(main) {
  root = h("div", {});
  main.replaceChildren(root);
  draw();
  await look();
}

export function leave() { root = null; }

export function live(state) {
  if (!state.runs) {
    if (state.error) say(state.error, true);
    return;
  }
  draw();
  const now = JSON.stringify(app.runs.map((run) => [run.id, run.failed_by_reason, run.control]));
  const wait = now === failures ? 10000 : 3000;
  if (Date.now() - looked < wait) return;
  failures = now;
  look();
}
