// One photo, large, with everything that the archive knows of it; its caption to be corrected with
// the keyboard alone.
import { alternative, app, caption, get, h, link, percent, picture, post, say, short, time, whole } from "/tools.js";
import { list, moved } from "/gallery.js";
import { alternatives, attention } from "/looks.js";

let root = null, photo = null, at = null, input = null, loading = 0, busy = false;

const section = (title, ...children) => h("section", {}, h("h3", {}, title), ...children);
const rows = (pairs) => h("dl", {}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
  .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

const stateText = (one) => ({ done: "captioned", unsure: "unsure: the caption is probably wrong, so it is not shown", blurred: "blurred: no caption",
  failed: `failed: ${one.reason}`, pending: "to do" })[one.state];

function meter(value, most, text) {
  const bar = h("meter", { min: 0, max: most, value, "aria-label": text });
  return h("span", { class: "meter" }, bar, ` ${text}`);
}

function blurTable() {
  if (!photo.blur.some((one) => one.score !== null)) return null;
  return section("Sharpness", h("table", {}, h("thead", {}, h("tr", {}, ["Mode", "Score", "Blurred below"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, photo.blur.map((one) => h("tr", { class: one.decides ? "decides" : null },
      h("td", {}, one.mode, one.decides ? h("small", {}, "decides") : null),
      h("td", { class: "number" }, short(one.score)), h("td", { class: "number" }, short(one.threshold)))))));
}

function evidence() {
  if (!photo.evidence) return null;
  return section("What speaks for the caption", rows([
    ["least probable word", percent(Math.exp(photo.evidence.word_log_prob_min), 1)],
    ["agreement of the search's other captions", percent(photo.evidence.beam_agreement, 1)],
    ["least probable thing that it names", percent(photo.evidence.mentioned_min, 1)],
    ["most probable thing that it leaves out", percent(photo.evidence.unmentioned_max, 1)],
    ["novelty of the photo", short(photo.evidence.novelty)]]));
}

function references() {
  if (photo.references.length === 0) return null;
  const scores = photo.bleu.filter((one) => one !== null);
  return section("References", h("ul", {}, photo.references.map((text) => h("li", {}, text))),
    scores.length ? h("p", { class: "soft" }, `Sentence BLEU-1 to 4: ${scores.map((one) => short(100 * one, 1)).join(", ")}`) : null);
}

function history() {
  const lines = [
    ...photo.attempts.map((one) => [one.finished_unix_ms, `attempt ${one.attempt}: ${one.outcome}${one.reason ? `, ${one.reason}` : ""}${one.detail ? ` (${one.detail})` : ""}, by ${one.worker}`]),
    ...photo.edits.map((one) => [one.edited_unix_ms, `${{ set: "edited", approve: "approved", unset: "edit taken back" }[one.action]}${one.caption ? `: ${one.caption}` : ""}, by ${one.edited_by}`]),
  ].sort((a, b) => a[0] - b[0]);
  if (lines.length === 0) return null;
  return section("History", h("ul", { class: "events" }, lines.map(([ms, text]) => h("li", {}, h("time", {}, time(ms)), ` ${text}`))));
}

function facts() {
  return section("File", rows([["path", photo.uri], ["size", photo.width ? `${whole(photo.width)} × ${whole(photo.height)}, ${whole(photo.bytes)} bytes` : `${whole(photo.bytes)} bytes`],
    ["date of the file", time(photo.file_unix_ms)], ["folder", h("a", { href: link("gallery", { root: photo.root, folder: photo.folder }) }, "photos of this folder")],
    ["decoded", photo.preview ? "the JPEG in the camera's RAW file" : null],
    ["same bytes as", photo.hash_distance === null ? photo.copied_from : null],
    ["looks nearly like", photo.hash_distance !== null ? photo.copied_from : null],
    ["model", photo.model ? photo.model.slice(0, 12) : null], ["SHA-256", photo.sha256]]));
}

function concepts() {
  if (photo.concepts.length === 0) return null;
  return section("What the model sees", h("ul", { class: "concepts" }, photo.concepts.map((one) =>
    h("li", {}, meter(one.probability, 1, `${one.word} ${percent(one.probability, 1)}`)))));
}

function captionPart() {
  const words = caption(photo);
  const shown = h("p", { class: words ? "caption" : "caption soft" }, words || stateText(photo));
  const parts = [shown];
  if (photo.edited_caption) {
    parts.push(h("p", { class: "soft" }, photo.approved ? "approved" : `edited; the model wrote: ${photo.caption || "nothing"}`));
  } else if (photo.state === "unsure") {
    parts.push(h("p", { class: "soft" }, `the model's guess: ${photo.caption}`));
  }
  if (photo.confidence !== null) parts.push(h("p", {}, meter(photo.confidence, 1, `confidence ${percent(photo.confidence, 1)}`)));
  if (photo.detail) parts.push(h("p", { class: "wrong" }, photo.detail));
  if (app.edit) {
    input = h("input", { type: "text", value: photo.edited_caption || photo.caption || "", maxlength: 1000, "aria-label": "Caption", autocomplete: "off", spellcheck: "true" });
    parts.push(h("form", { class: "edit", onsubmit: (event) => { event.preventDefault(); save("set"); } }, input,
      h("p", { class: "buttons" }, h("button", {}, "Save, next"),
        h("button", { type: "button", onclick: () => save("approve"), disabled: !photo.caption }, "Approve, next"),
        h("button", { type: "button", onclick: () => save("unset"), disabled: !photo.edited_caption }, "Take the edit back"),
        photo.state === "failed" ? h("button", { type: "button", onclick: retry }, "Try again") : null)));
  }
  return h("div", { class: "caption-part" }, parts);
}

/** Another caption of the search, to be saved as it is or corrected first. */
function take(text) {
  input.value = text;
  input.focus();
}

function draw() {
  const image = h("img", { src: picture(photo, "large"), alt: alternative(photo) });
  image.addEventListener("error", () => image.replaceWith(h("p", { class: "no-picture soft" }, "This photo cannot be shown.")));
  const place = at === null ? null : `${whole(at + 1)} of ${whole(list.total)}`;
  root.replaceChildren(
    h("div", { class: "picture" }, image),
    h("div", { class: "facts" },
      h("p", { class: "buttons" },
        h("button", { type: "button", onclick: () => step(-1), disabled: at === null || at === 0, "aria-label": "Photo before" }, "←"),
        h("button", { type: "button", onclick: () => step(1), disabled: at === null || at + 1 >= list.total, "aria-label": "Next photo" }, "→"),
        h("a", { class: "button", href: link("gallery", list.query || {}) }, "Gallery"), place ? h("span", { class: "soft" }, place) : null),
      h("h2", {}, photo.name), captionPart(), alternatives(photo, app.edit ? take : null), attention(photo, image), concepts(), evidence(), blurTable(), references(),
      photo.kept.length ? section("Kept columns", rows(photo.kept.map((one) => [one.name, one.value]))) : null,
      history(), facts()));
}

async function load(id) {
  const mine = ++loading;
  const found = await get(`/api/photos/${id}`);
  if (mine !== loading || !root) return;
  photo = found;
  draw();
  if (at === null) return;
  for (const place of [at + 1, at - 1]) {  // so that the next step shows at once
    list.at(place).then((next) => { if (next && root) new Image().src = picture(next, "large"); }, () => {});
  }
}

async function step(by) {
  if (at === null) return;
  const next = await list.at(at + by).catch((error) => { say(error.message, true); return null; });
  if (!next) {
    say(by > 0 ? "This was the last photo." : "This is the first photo.");
    return;
  }
  at += by;
  moved(at);
  history_replace(next.id);
  await load(next.id);
}

/** The address follows without filling the way back with every photo. */
function history_replace(id) {
  window.history.replaceState(null, "", link(`photo/${id}`, { ...list.query, at }));
}

async function save(action) {
  if (busy || !app.edit) return;
  if (action === "approve" && !photo.caption) return say("There is no caption to approve.", true);
  if (action === "unset" && !photo.edited_caption) return say("There is no edit to take back.", true);
  busy = true;
  const id = photo.id;
  const text = input.value.trim();
  try {
    await post(`/api/photos/${id}/caption`, { action, caption: text });
    say({ set: "Saved.", approve: "Approved.", unset: "The edit was taken back." }[action]);
    list.replace({ id, edited_caption: { set: text, approve: photo.caption, unset: null }[action], approved: action === "approve" });
    input.blur();
    if (action === "unset" || at === null || at + 1 >= list.total) await load(id);
    else await step(1);
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
  }
}

async function retry() {
  try {
    const reply = await post(`/api/photos/${photo.id}/retry`);
    say(reply.photos === 0 ? "It is not failed any more." : reply.served ? "It is being tried again." : "The next run tries it again.");
    await load(photo.id);
  } catch (error) {
    say(error.message, true);
  }
}

export function key(event, field) {
  if (!photo) return false;
  if (field) {
    if (event.key !== "Escape") return false;
    input.value = photo.edited_caption || photo.caption || "";
    event.target.blur();
    return true;
  }
  switch (event.key) {
    case "j": case "ArrowRight": step(1); return true;
    case "k": case "ArrowLeft": step(-1); return true;
    case "e": if (input) { input.focus(); input.select(); } return Boolean(input);
    case "a": save("approve"); return true;
    case "u": save("unset"); return true;
    case "1": case "2": case "3": case "4": {
      const other = photo.alternatives[Number(event.key) - 1];
      if (other && input) take(other.caption);
      return Boolean(other && input);
    }
    case "Escape": location.hash = link("gallery", list.query || {}); return true;
    default: return false;
  }
}

export async function enter(main, parts, query) {
  root = h("div", { class: "photo-page" }, h("p", { class: "soft" }, "Opening the photo…"));
  main.replaceChildren(root);
  await update(parts, query);
}

export function update(parts, query) {
  const { at: place, ...rest } = query;
  at = place === undefined ? null : Number(place);
  if (at !== null) {
    list.open({ ...rest, run: app.run });
    moved(at);
  }
  return load(parts[1]).then(() => true, (error) => { root.replaceChildren(h("p", { class: "wrong" }, error.message)); });
}

export function leave() { root = null; photo = null; input = null; }
