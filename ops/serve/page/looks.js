// What is kept beside a caption: the search's other captions, and where the model looked for each
// word, drawn over the photo.
import { h, percent, short } from "/tools.js";

const section = (title, ...children) => h("section", {}, h("h3", {}, title), ...children);
const kAsk = "photoscribe run keeps them with";

/** The mean probability of a word, the end counting as one. */
const perWord = (one) => percent(Math.exp(one.log_prob / (one.tokens + 1)), 1);
const likely = (one) => h("small", {}, `${perWord(one)} a word, log-probability ${short(one.log_prob, 2)}`);

/** `use`: takes a text to the edit field; null: the page only reads. */
export function alternatives(photo, use) {
  if (!photo.caption) return null;
  const title = photo.state === "unsure" ? "Other guesses" : "Other captions of the search";
  if (photo.alternatives.length === 0) {
    return section(title, h("p", { class: "soft" }, `None are kept: ${kAsk} `, h("code", {}, "--keep-alternatives 3"), "."));
  }
  return section(title, h("p", { class: "soft" }, `The chosen one: ${perWord(photo)} a word, log-probability ${short(photo.log_prob, 2)}`),
    h("ol", { class: "alternatives" }, photo.alternatives.map((one, place) => h("li", { class: photo.state === "unsure" ? "soft" : null },
      h("span", {}, one.caption), likely(one),
      use ? h("button", { type: "button", onclick: () => use(one.caption), "aria-label": `Use this (${place + 1}): ${one.caption}` }, `Use this (${place + 1})`) : null))));
}

/** "upper left": where the largest cell lies. */
function place({ width, height }, cells) {
  const most = cells.indexOf(Math.max(...cells));
  const third = (at, count, names) => names[Math.min(2, Math.floor(((at + 0.5) * 3) / count))];
  const row = third(Math.floor(most / width), height, ["upper", "", "lower"]), column = third(most % width, width, ["left", "", "right"]);
  return [row, column].filter(Boolean).join(" ") || "middle";
}

/** The photo stays bright where the model looked, and is veiled elsewhere. */
function draw(canvas, { width, height }, cells) {
  canvas.width = width;
  canvas.height = height;
  const paint = canvas.getContext("2d"), veil = paint.createImageData(width, height);
  cells.forEach((value, at) => { veil.data[4 * at + 3] = Math.round(0.8 * (255 - value)); });
  paint.putImageData(veil, 0, 0);
}

/** The list of words, and the canvas that lies over `image` while one of them is looked at. */
export function attention(photo, image) {
  if (!photo.caption) return null;
  const title = "Where the model looked", maps = photo.attention, words = photo.caption.split(" ");
  if (!maps || words.length !== maps.words.length) {
    return section(title, h("p", { class: "soft" }, `No attention maps are kept: ${kAsk} `, h("code", {}, "--keep-attention 1"), "; models without attention have none."));
  }
  const canvas = h("canvas", { class: "veil", "aria-hidden": "true", hidden: true });
  const cover = () => {  // to the fraction of a pixel, which offsetLeft leaves out
    const at = image.getBoundingClientRect(), frame = (image.offsetParent ?? document.body).getBoundingClientRect();
    Object.assign(canvas.style, { left: `${at.left - frame.left}px`, top: `${at.top - frame.top}px`, width: `${at.width}px`, height: `${at.height}px` });
  };
  new ResizeObserver(cover).observe(image);
  let pinned = null;
  const show = (number) => {
    canvas.hidden = number === null || !image.isConnected;
    if (canvas.hidden) return;
    if (!canvas.isConnected) image.after(canvas);
    cover();
    draw(canvas, maps, maps.words[number]);
  };
  const buttons = words.map((word, number) => h("button", {
    type: "button", "aria-pressed": "false", "aria-label": `${word}: mostly ${place(maps, maps.words[number])}`,
    onmouseenter: () => show(number), onmouseleave: () => show(pinned), onfocus: () => show(number), onblur: () => show(pinned),
    onclick: () => {
      pinned = pinned === number ? null : number;
      buttons.forEach((one, at) => one.setAttribute("aria-pressed", String(at === pinned)));
      show(pinned === null ? number : pinned);
    },
  }, word));
  return section(title, h("p", { class: "words-looked" }, buttons),
    h("p", { class: "soft" }, `Over each word the photo stays bright where the model looked; a click keeps it so.${photo.edited_caption ? " The words are the model's." : ""}`));
}
