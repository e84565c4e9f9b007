// The blur desk: photos around the threshold, and what another one would change.
import { alternative, app, get, h, link, picture, plural, post, say, short, svg, whole } from "/tools.js";

const kBins = 100, kWidth = 800, kHeight = 150;
let root = null, threshold = 100, chart, slider, number, strip, texts, asked = 0, known = null, dragging = false, drawnFor = null;

const run = () => app.runs.find((one) => one.id === app.run);
const placeOf = (score) => (Math.log10(Math.max(score, 1)) / 5) * 1000;
const scoreAt = (place) => {
  const score = 10 ** ((place / 1000) * 5);
  return Number(score.toPrecision(3));
};

function drawChart(histogram) {
  const most = Math.max(1, ...histogram.map((photos) => Math.sqrt(photos)));
  chart.replaceChildren();
  histogram.forEach((photos, bin) => {
    const tall = (kHeight - 24) * (Math.sqrt(photos) / most);
    const score = 10 ** ((bin / kBins) * 5);
    chart.append(svg("rect", { x: bin * 8 + 1, y: kHeight - 18 - tall, width: 6, height: tall, class: score < threshold ? "column below" : "column" }));
  });
  const x = (placeOf(threshold) / 1000) * kWidth;
  chart.append(svg("line", { x1: x, x2: x, y1: 0, y2: kHeight - 18, class: "mark" }));
  for (const score of [1, 10, 100, 1000, 10000]) {
    chart.append(svg("text", { x: (placeOf(score) / 1000) * kWidth, y: kHeight - 3, "text-anchor": score === 1 ? "start" : "middle" }, whole(score)));
  }
}

function card(photo) {
  const blurred = photo.blur_score < threshold;
  const now = photo.state === "blurred";
  const image = h("img", { src: picture(photo), alt: alternative(photo), width: 160, height: 120 });
  image.addEventListener("error", () => image.classList.add("missing"));
  return h("li", { class: `${blurred ? "blurred" : "clear"}${now !== blurred ? " changes" : ""}` }, h("a", { href: link(`photo/${photo.id}`, {}) }, image,
    h("b", {}, short(photo.blur_score, 1)), h("span", {}, blurred ? "blurred" : "clear", now !== blurred ? " (new)" : "")));
}

function draw() {
  if (!root || !known) return;
  drawChart(known.histogram);
  strip.replaceChildren(...known.rows.map(card));
  drawnFor = run().blur_threshold;
  const changed = threshold !== drawnFor;
  texts.counts.textContent = `Below ${short(threshold)}: ${plural(known.below, "photo")} blurred, ${whole(known.clear)} clear.`;
  texts.changes.textContent = changed
    ? `Compared with now (${short(run().blur_threshold)}): ${plural(known.would_clear, "photo")} would be clear and captioned, ${plural(known.would_blur, "caption")} taken back.`
    : "This is the run's threshold.";
  texts.command.textContent = `photoscribe run -o ${app.archive.path}${run().name === "default" ? "" : ` --new-run ${run().name}`} --blur-threshold ${threshold}`;
  texts.how.hidden = !changed;
  if (texts.save) texts.save.disabled = !changed;
}

async function look() {
  const mine = ++asked;
  try {
    const found = await get("/api/blur", { run: app.run, threshold, count: 12 });
    if (mine !== asked || !root) return;
    known = found;
    draw();
  } catch (error) {
    say(error.message, true);
  }
}

let soon = 0;
function choose(score) {
  threshold = Math.max(0, score);
  slider.value = placeOf(threshold);
  slider.setAttribute("aria-valuetext", short(threshold));
  number.value = threshold;
  draw();
  clearTimeout(soon);
  soon = setTimeout(look, 60);
}

function drag(event) {
  if (!dragging) return;
  const box = chart.getBoundingClientRect();
  choose(scoreAt(1000 * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))));
}

async function save() {
  try {
    await post(`/api/runs/${app.run}/blur`, { threshold });
    run().blur_threshold = threshold;
    say(`Judged by ${short(threshold)}. Photos that are clear now are captioned by the next run.`);
    setTimeout(look, 1500);
  } catch (error) {
    say(error.message, true);
  }
}

export async function enter(main) {
  known = null;
  if (!run()) {
    main.replaceChildren(h("p", { class: "soft" }, "There is no run yet."));
    return;
  }
  threshold = run().blur_threshold;
  chart = svg("svg", { viewBox: `0 0 ${kWidth} ${kHeight}`, class: "chart desk", role: "img", "aria-label": "How many photos have which score" });
  chart.addEventListener("pointerdown", (event) => { dragging = true; chart.setPointerCapture(event.pointerId); drag(event); });
  chart.addEventListener("pointermove", drag);
  chart.addEventListener("pointerup", () => { dragging = false; });
  slider = h("input", { type: "range", min: 0, max: 1000, step: 1, "aria-label": "Threshold, on a logarithmic scale", oninput: () => choose(scoreAt(Number(slider.value))) });
  number = h("input", { type: "number", min: 0, step: "any", onchange: () => choose(Number(number.value)) });
  strip = h("ul", { class: "strip", "aria-label": "Photos around the threshold" });
  texts = { counts: h("p", { role: "status" }), changes: h("p", {}), command: h("code", {}) };
  texts.save = app.edit ? h("button", { type: "button", onclick: save }, "Judge by this threshold") : null;
  texts.how = h("p", { class: "soft" }, app.edit ? "The same as: " : "To judge by it: ", texts.command);
  root = h("div", {}, h("h2", {}, `Blur desk: mode ${run().blur_mode}`), chart, h("p", { class: "desk-controls" }, slider, h("label", {}, "Threshold ", number), texts.save),
    texts.counts, texts.changes, texts.how, strip);
  main.replaceChildren(root);
  choose(threshold);
  await look();
}

/** Somebody judged the run by another threshold: this page a moment ago, or another. */
export function live() {
  if (root && known && run() && run().blur_threshold !== drawnFor) look();
}

export function leave() { root = null; }
