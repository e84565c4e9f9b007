// The gallery: one long list of photos, of which only what is on the screen exists.
//
// The server keeps the list (a view); positions in it are stable while one scrolls. A browser's
// elements end at some ten million pixels, so a long list is scrolled with an offset: `position` is
// the pixel of the whole list at the top of the screen, `offset` what it has more than the scroll
// bar says. Small steps keep the offset, jumps of the scroll bar take it from the bar's place.
import { alternative, app, caption, get, h, link, picture, plural, route, say, whole } from "/tools.js";

const kPage = 100;            // rows of one request
const kFirst = 24;            // of the first one: what a screen shows; as in site.cpp
const kPagesKept = 80;
const kHeightMax = 8000000;   // px of the element that scrolls
const kFilters = ["state", "reason", "since", "until", "confidence_min", "confidence_max", "blur_min", "blur_max",
  "edited", "near_duplicates", "vanished", "root", "folder", "q", "sort", "order"];
const kSorts = [["", "as found"], ["path", "name"], ["date", "date of the file"], ["finished", "last captioned"],
  ["confidence", "confidence"], ["blur", "sharpness"]];
const kReasons = ["missing", "unreadable", "not_a_file", "outside_root", "empty", "not_an_image", "truncated", "too_large", "unsupported",
  "timeout", "model_failure", "device_memory", "crashed_worker", "encrypted", "unsafe_name", "http_403", "http_404", "http_5xx",
  "http_other", "dns", "tls", "too_slow", "private_address"];

/** A list of photos on the server, page by page. */
export const list = {
  query: null, view: "", total: 0, pages: new Map(), waiting: new Map(), generation: 0, first: [],

  open(query) {
    const text = JSON.stringify(query);
    if (this.query && JSON.stringify(this.query) === text) return false;
    this.query = query;
    this.reset();
    return true;
  },
  reset() {
    this.view = "";
    this.first = [];
    this.pages.clear();
    this.waiting.clear();
    ++this.generation;
  },
  row(at) {
    const page = this.pages.get(Math.floor(at / kPage));
    return page ? page[at % kPage] : this.first[at];
  },
  /** The rows of the first screen, before those of the first page. */
  async begin() {
    const generation = this.generation;
    const found = await get("/api/photos", { ...this.query, at: 0, limit: kFirst });
    if (generation !== this.generation) return;
    this.view = found.view;
    this.total = found.total;
    this.first = found.rows;
  },
  /** Loads the page that holds a position; the promise of all who want it. */
  load(number) {
    if (this.pages.has(number)) return Promise.resolve();
    if (this.waiting.has(number)) return this.waiting.get(number);
    const generation = this.generation;
    const loading = get("/api/photos", { ...this.query, view: this.view, at: number * kPage, limit: kPage }).then((found) => {
      if (generation !== this.generation) return;
      this.waiting.delete(number);
      if (this.view && found.view !== this.view) {  // another list, since that one is gone
        this.pages.clear();
        this.first = [];
      }
      this.view = found.view;
      this.total = found.total;
      this.pages.set(number, found.rows);
      if (this.pages.size > kPagesKept) this.pages.delete(this.pages.keys().next().value);
    }).catch((error) => {
      if (generation === this.generation) this.waiting.delete(number);
      throw error;
    });
    this.waiting.set(number, loading);
    return loading;
  },
  async at(at) {
    if (at < 0) return null;
    if (!this.row(at)) await this.load(Math.floor(at / kPage));
    return this.row(at) || null;
  },
  /** After an edit: what is shown of a photo. */
  replace(photo) {
    for (const page of [this.first, ...this.pages.values()]) {
      const place = page.findIndex((one) => one.id === photo.id);
      if (place >= 0) page[place] = { ...page[place], ...photo };
    }
  },
};

let root = null, scroller, spacer, count, search, filterForm, tree;
let cells = new Map();
let columns = 1, cellHeight = 200, offset = 0, lastTop = 0, focusAt = 0, settling = 0, drawing = false;
let kept = null;  // where it was scrolled to when it was left

const rowsOf = () => Math.ceil(list.total / columns);
const wholeHeight = () => rowsOf() * cellHeight + 16;
const ownHeight = () => Math.min(wholeHeight(), kHeightMax);
const position = () => scroller.scrollTop + offset;
const restOf = (height) => Math.max(1, height - scroller.clientHeight);

/** The offset that belongs to a place of the scroll bar. */
const offsetAt = (top) => Math.round((Math.min(1, top / restOf(ownHeight()))) * (wholeHeight() - ownHeight()));

function scrollToPosition(wanted) {
  const goal = Math.max(0, Math.min(wanted, wholeHeight() - scroller.clientHeight));
  const top = Math.round((goal / restOf(wholeHeight())) * restOf(ownHeight()));
  offset = wholeHeight() > ownHeight() ? goal - top : 0;
  lastTop = top;
  scroller.scrollTop = wholeHeight() > ownHeight() ? top : goal;
  draw();
}

function onScroll() {
  const top = scroller.scrollTop;
  if (wholeHeight() > ownHeight() && top !== lastTop) {
    const jump = Math.abs(top - lastTop) > 2 * scroller.clientHeight;
    if (jump) offset = offsetAt(top);
    // Bar and list end together.
    if (top === 0) offset = 0;
    if (top >= restOf(ownHeight())) offset = wholeHeight() - ownHeight();
    clearTimeout(settling);
    settling = setTimeout(() => {
      const place = position();
      if (root && Math.abs(offset - offsetAt(scroller.scrollTop)) > scroller.clientHeight) scrollToPosition(place);
    }, 400);
  }
  lastTop = top;
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

const kBadges = { unsure: "unsure", blurred: "blurred", failed: "failed", pending: "to do" };

function fill(cell, photo, at) {
  const words = caption(photo);
  const image = h("img", { src: picture(photo), alt: alternative(photo), width: 240, height: 180, decoding: "async" });
  image.addEventListener("error", () => cell.classList.add("no-picture"));
  const badge = photo.approved ? "approved" : photo.edited_caption ? "edited" : kBadges[photo.state];
  const open = h("a", { href: link(`photo/${photo.id}`, { ...list.query, at }), tabindex: at === focusAt ? 0 : -1 },
    image, badge ? h("span", { class: `badge ${photo.edited_caption ? "edited" : photo.state}` }, photo.reason || badge) : null,
    h("span", { class: words ? "words" : "words soft", "aria-hidden": words ? "true" : null }, words || photo.name));
  cell.replaceChildren(open);
  cell.dataset.id = photo.id;
}

function cellAt(at) {
  let cell = cells.get(at);
  if (!cell) {
    cell = h("li", { class: "cell", "aria-setsize": list.total, "aria-posinset": at + 1 });
    cells.set(at, cell);
    spacer.append(cell);
  }
  const photo = list.row(at);
  if (photo && cell.dataset.id !== String(photo.id)) fill(cell, photo, at);
  const width = spacer.clientWidth / columns;
  cell.style.width = `${width}px`;
  cell.style.height = `${cellHeight}px`;
  cell.style.transform = `translate(${(at % columns) * width}px, ${Math.floor(at / columns) * cellHeight - offset}px)`;
  return cell;
}

function measure() {
  const width = scroller.clientWidth - 8;
  const wanted = width < 500 ? 150 : 220;
  columns = Math.max(1, Math.floor(width / wanted));
  cellHeight = Math.round((width / columns) * 0.75 + 44);
}

function draw() {
  if (!root) return;
  measure();
  spacer.style.height = `${ownHeight()}px`;
  const tall = scroller.clientHeight;
  const first = Math.max(0, Math.floor((position() - tall) / cellHeight) * columns);
  const end = Math.min(list.total, Math.ceil((position() + 2 * tall) / cellHeight) * columns);
  for (const [at, cell] of cells) {
    if (at >= first && at < end) continue;
    cell.remove();
    cells.delete(at);
  }
  // What is on the screen is asked for first: its pictures, too.
  const from = Math.max(first, Math.floor(position() / cellHeight) * columns);
  for (let at = from; at < end; ++at) cellAt(at);
  for (let at = from - 1; at >= first; --at) cellAt(at);
  const lastPage = Math.floor(Math.max(0, list.total - 1) / kPage);
  const here = Math.floor(from / kPage);
  for (const number of [here, here + 1, here - 1, Math.floor(Math.max(0, end - 1) / kPage)]) {
    if (number < 0 || number > lastPage || list.pages.has(number) || list.waiting.has(number)) continue;
    list.load(number).then(draw, (error) => say(error.message, true));
  }
  const on = Math.min(list.total, from + 1);
  count.textContent = list.total === 0 ? "No photos." : `${plural(list.total, "photo")}; from number ${whole(on)}`;
}

function clear() {
  for (const cell of cells.values()) cell.remove();
  cells.clear();
}

async function reload() {
  clear();
  offset = 0;
  lastTop = 0;
  try {
    const generation = list.generation;
    await list.begin();
    if (generation !== list.generation || !root) return;
  } catch (error) {
    list.total = 0;
    say(error.message, true);
  }
  draw();
}

function focusCell(at) {
  focusAt = Math.max(0, Math.min(at, list.total - 1));
  const top = Math.floor(focusAt / columns) * cellHeight;
  if (top < position()) scrollToPosition(top);
  else if (top + cellHeight > position() + scroller.clientHeight) scrollToPosition(top + cellHeight - scroller.clientHeight);
  list.at(focusAt).then(() => {
    draw();
    for (const [place, cell] of cells) {
      const open = cell.querySelector("a");
      if (open) open.tabIndex = place === focusAt ? 0 : -1;
    }
    const cell = cells.get(focusAt);
    if (cell && cell.firstChild) cell.firstChild.focus({ preventScroll: true });
  }, (error) => say(error.message, true));
}

export function key(event, field) {
  if (event.key === "/" && !field) { search.focus(); search.select(); return true; }
  if (field) {
    if (event.key === "Escape") { event.target.blur(); focusCell(focusAt); return true; }
    return false;
  }
  const screen = Math.max(1, Math.floor(scroller.clientHeight / cellHeight)) * columns;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: screen, PageUp: -screen,
    Home: -Infinity, End: Infinity, j: 1, k: -1 };
  if (event.key in steps && !event.target.closest("summary, button, nav")) {
    focusCell(focusAt + steps[event.key]);
    return true;
  }
  if (event.key === "r") { list.reset(); reload(); return true; }
  return false;
}

/** The parameters of the address that choose photos. */
function queryOf(query) {
  const out = { run: app.run };
  for (const name of kFilters) if (query[name]) out[name] = query[name];
  return out;
}

function change(name, value) {
  const query = { ...route().query, [name]: value };
  delete query.focus;
  location.hash = link("gallery", query);
}

const field = (name, text, attributes) => h("label", {}, text, " ", h("input", {
  name, ...attributes, onchange: (event) => change(name, event.target.type === "checkbox" ? (event.target.checked ? "1" : "") : event.target.value) }));
const select = (name, text, options) => h("label", {}, text, " ", h("select", { name, onchange: (event) => change(name, event.target.value) },
  options.map(([value, words]) => h("option", { value }, words))));

/** Folders are read when they are opened. */
function folderNode(rootId, folder, name, hasMore) {
  const choose = h("button", { type: "button", class: "folder", "data-root": rootId, "data-folder": folder,
    onclick: () => { location.hash = link("gallery", { ...route().query, root: rootId, folder }); } }, name);
  if (!hasMore) return h("li", {}, choose);
  const inner = h("ul", {});
  const node = h("details", { ontoggle: async () => {
    if (!node.open || inner.childElementCount > 0) return;
    try {
      const found = await get("/api/folders", { run: app.run, root: rootId, folder });
      inner.replaceChildren(...found.folders.map((one) => folderNode(rootId, one.folder, one.name, one.has_more)));
      if (found.folders.length === 0) inner.replaceChildren(h("li", { class: "soft" }, "no folders in it"));
    } catch (error) { say(error.message, true); }
  } }, h("summary", {}, "folders", h("span", { class: "unseen" }, ` of ${name}`)), inner);
  return h("li", {}, choose, node);
}

async function fillTree() {
  const detail = await get(`/api/runs/${app.run}/roots`);
  tree.replaceChildren(h("li", {}, h("button", { type: "button", class: "folder", "data-root": "", "data-folder": "",
    onclick: () => { location.hash = link("gallery", { ...route().query, root: "", folder: "" }); } }, "All folders")),
  ...detail.roots.map((one) => folderNode(one.id, "", one.name, true)));
  markFolder();
}

function markFolder() {
  const { root: rootId, folder } = route().query;
  for (const one of tree.querySelectorAll("button.folder")) {
    const here = one.dataset.root === (rootId || "") && one.dataset.folder === (folder || "");
    if (here) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

function fillForm(query) {
  for (const control of filterForm.elements) {
    if (!control.name) continue;
    if (control.type === "checkbox") control.checked = query[control.name] === "1";
    else control.value = query[control.name] || "";
  }
  if (document.activeElement !== search) search.value = query.q || "";  // not under somebody's hands
  const used = kFilters.filter((name) => query[name] && !["q", "sort", "order", "folder"].includes(name)).length;
  root.querySelector(".filters > summary").textContent = used ? `Filters (${used})` : "Filters";
  root.querySelector(".clear").hidden = used === 0 && !query.q;
  markFolder();
}

function build() {
  search = h("input", { type: "search", placeholder: "Search captions", "aria-label": "Search captions", autocomplete: "off" });
  let typing = 0;
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => change("q", search.value.trim()), 250); });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { clearTimeout(typing); change("q", search.value.trim()); focusAt = 0; search.blur(); }
  });
  count = h("p", { class: "count", role: "status" });
  tree = h("ul", { class: "tree" });
  filterForm = h("form", { onsubmit: (event) => event.preventDefault() },
    h("div", { class: "fields" },
      select("state", "State", [["", "all"], ["done", "captioned"], ["unsure", "unsure"], ["blurred", "blurred"], ["failed", "failed"], ["pending", "to do"]]),
      select("reason", "Reason", [["", "any"], ...kReasons.map((one) => [one, one])]),
      select("sort", "Order", kSorts), select("order", "Direction", [["", "rising"], ["desc", "falling"]]),
      field("since", "From", { type: "date" }), field("until", "Until", { type: "date" }),
      field("confidence_min", "Confidence from", { type: "number", min: 0, max: 1, step: "any" }),
      field("confidence_max", "to", { type: "number", min: 0, max: 1, step: "any", "aria-label": "Confidence to" }),
      field("blur_min", "Sharpness from", { type: "number", step: "any" }),
      field("blur_max", "to", { type: "number", step: "any", "aria-label": "Sharpness to" }),
      field("edited", "edited or approved", { type: "checkbox" }),
      field("near_duplicates", "near duplicates", { type: "checkbox" }),
      field("vanished", "vanished", { type: "checkbox" })),
    h("fieldset", {}, h("legend", {}, "Folder"), tree));
  const wide = matchMedia("(min-width: 60rem)").matches;
  const filters = h("details", { class: "filters", open: wide }, h("summary", {}, "Filters"), filterForm);
  spacer = h("ul", { class: "spacer", "aria-label": "Photos" });
  scroller = h("div", { class: "scroller", onscroll: onScroll, tabindex: -1 }, spacer);
  root = h("div", { class: "gallery-page" },
    h("div", { class: "side" }, h("div", { class: "search" }, search,
      h("button", { type: "button", class: "clear", onclick: () => { location.hash = "#/gallery"; } }, "Clear")), filters),
    h("div", { class: "photos" }, count, scroller));
}

export async function enter(main, parts, query) {
  document.getElementById("main").setAttribute("aria-busy", "true");
  build();
  main.replaceChildren(root);
  fillForm(query);
  const changed = list.open(queryOf(query));
  if (changed || list.total === 0) {
    focusAt = 0;
    if (!changed) list.reset();
    await reload();
  } else {
    draw();
    const place = query.at ? Number(query.at) : kept ? kept.at : 0;
    focusAt = place;
    scrollToPosition(kept ? kept.position : 0);
    focusCell(place);
  }
  document.getElementById("main").removeAttribute("aria-busy");
  fillTree().catch((error) => say(error.message, true));  // photos first
  if (query.focus === "search") search.focus();
  addEventListener("resize", onResize);
}

function onResize() {
  const at = Math.floor(position() / cellHeight) * columns;
  measure();
  clear();
  scrollToPosition(Math.floor(at / columns) * cellHeight);
}

/** Another address, the same page. */
export function update(parts, query) {
  if (!root) return false;
  fillForm(query);
  if (list.open(queryOf(query))) {
    focusAt = 0;
    scroller.scrollTop = 0;
    reload();
  }
  return true;
}

export function leave() {
  kept = { at: focusAt, position: position() };
  removeEventListener("resize", onResize);
  clear();
  root = null;
}

/** The photo page tells where it has got to. */
export function moved(at) {
  kept = null;
  focusAt = at;
  kept = { at, position: Math.max(0, Math.floor(at / columns) * cellHeight - cellHeight) };
}

