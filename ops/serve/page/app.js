// Which page is shown, what all of them need, and keys that work everywhere.
import { app, get, h, route, say } from "/tools.js";
import * as runs from "/runs.js";
import * as gallery from "/gallery.js";
import * as photo from "/photo.js";
import * as blur from "/blur.js";

const pages = { runs, gallery, photo, blur };
const main = document.getElementById("main");
const chooser = document.getElementById("run");
let shown = null;
let before = "";  // a first key that waits for its second

function showRuns() {
  if (app.runs.length === 0) return;
  const known = app.runs.some((run) => run.id === app.run);
  if (!known) app.run = app.runs[app.runs.length - 1].id;
  const names = app.runs.map((run) => `${run.id} ${run.name}`).join("\n");
  if (chooser.dataset.names !== names) {
    chooser.dataset.names = names;
    chooser.replaceChildren(...app.runs.map((run) => h("option", { value: run.id }, run.name)));
    chooser.parentElement.hidden = app.runs.length < 2;
  }
  chooser.value = app.run;
}

function take(state) {
  if (state.runs) {
    app.runs = state.runs;
    app.writer = state.writer_pid;
    showRuns();
  }
  if (shown && shown.live) shown.live(state);
}

function listen() {
  const source = new EventSource("/api/events");
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.onerror = () => document.body.classList.add("offline");
  source.onopen = () => document.body.classList.remove("offline");
}

async function show() {
  const { parts, query } = route();
  const name = pages[parts[0]] ? parts[0] : "runs";
  if (query.run && app.runs.some((run) => String(run.id) === query.run)) app.run = Number(query.run);
  showRuns();
  for (const one of document.querySelectorAll("nav a")) {
    if (one.dataset.page === (name === "photo" ? "gallery" : name)) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  const page = pages[name];
  if (shown === page && page.update && page.update(parts, query)) return;
  if (shown && shown.leave) shown.leave();
  shown = page;
  main.className = name;
  try {
    await page.enter(main, parts, query);
  } catch (error) {
    main.replaceChildren(h("p", { class: "wrong" }, error.message));
  }
}

const isField = (element) => element.matches("input, select, textarea, [contenteditable]");

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const field = isField(event.target);
  if (!field) {
    const both = before + event.key;
    before = event.key === "g" && before !== "g" ? "g" : "";
    const places = { gr: "#/runs", gg: "#/gallery", gb: "#/blur" };
    if (places[both]) {
      location.hash = places[both];
      event.preventDefault();
      return;
    }
    if (event.key === "?") {
      document.getElementById("keys").showModal();
      return;
    }
    if (event.key === "/" && shown !== gallery) {
      location.hash = "#/gallery?focus=search";
      event.preventDefault();
      return;
    }
  }
  if (shown && shown.key && shown.key(event, field)) event.preventDefault();
}

async function begin() {
  document.getElementById("help").addEventListener("click", () => document.getElementById("keys").showModal());
  document.addEventListener("keydown", onKey);
  chooser.addEventListener("change", () => {
    app.run = Number(chooser.value);
    if (route().query.run) location.hash = "#/" + route().parts[0];
    else show();
  });
  for (;;) {
    try {
      [app.archive] = await Promise.all([get("/api/archive"), get("/api/runs").then(take)]);
      break;
    } catch (error) {
      main.replaceChildren(h("p", { class: "wrong" }, error.message));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  app.edit = app.archive.edit;
  document.getElementById("database").textContent = app.archive.database;
  document.title = `${app.archive.database} · photoscribe`;
  addEventListener("hashchange", show);
  listen();
  if (app.runs.length === 0) say("There are no runs in it yet.");
  show();
}

begin();
