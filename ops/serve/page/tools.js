// What the pages share: elements, requests, numbers as people read them, and which run is shown.

export const app = { archive: null, runs: [], writer: null, run: null, edit: false };

/** An element: h("a", { href: "#", class: "x", onclick: f }, "text", child, …). */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Answers that came with the page, by address: each for one question, at its opening. */
const first = JSON.parse(document.getElementById("first").textContent || "{}");
const kFirstFor = 5000;  // ms; after that they are old

async function answer(response) {
  const object = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(object.error || `status ${response.status}`);
  return object;
}

/** GET; parameters that are empty are left out. */
export async function get(path, parameters, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters || {})) {
    if (value !== "" && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  const url = text ? `${path}?${text}` : path;
  if (url in first && performance.now() < kFirstFor) {
    const found = first[url];
    delete first[url];
    return found;
  }
  return answer(await fetch(url, { signal }));
}

export async function post(path, body) {
  return answer(await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body || {}),
  }));
}

let forget = 0;
/** One line at the bottom, read out; goes after a while. */
export function say(text, wrong) {
  const line = document.getElementById("status");
  line.textContent = text;
  line.className = wrong ? "wrong" : "";
  clearTimeout(forget);
  forget = setTimeout(() => { line.textContent = ""; line.className = ""; }, wrong ? 12000 : 4000);
}

export const whole = (number) => Number(number).toLocaleString("en");
export const plural = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
export const percent = (part, all) => (all ? `${((100 * part) / all).toFixed(part === all ? 0 : 1)} %` : "0 %");

export function short(number, digits) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  return size >= 100 ? whole(Math.round(number)) : number.toFixed(digits === undefined ? (size >= 10 ? 1 : 2) : digits);
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export const time = (ms) => new Date(ms).toLocaleString("sv");
export const picture = (photo, size) => `/api/photos/${photo.id}/picture?${size ? `size=${size}&` : ""}v=${encodeURIComponent(photo.v)}`;

/** What a photo is called: a person's word before the model's, which shows only when it is sure. */
export function caption(photo) {
  if (photo.edited_caption) return photo.edited_caption;
  return photo.state === "done" ? photo.caption : null;
}

export function alternative(photo) {
  return caption(photo) || (photo.state === "failed" ? `not readable: ${photo.name}` : `no caption: ${photo.name}`);
}

/** Parameters of "#/gallery?a=b". */
export function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/"), query: Object.fromEntries(new URLSearchParams(query || "")) };
}

export function link(path, query) {
  const text = new URLSearchParams(Object.entries(query || {}).filter(([, value]) => value !== "" && value !== null && value !== undefined)).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}
