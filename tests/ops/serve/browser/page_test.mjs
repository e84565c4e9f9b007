// Clicks through the page of `photoscribe serve` in headless Chromium, as a person would, over a
// database of made photos: page_test.mjs BUILD OUTPUT [PHOTOS]. Leaves screenshots in OUTPUT; fails
// on a wrong sight, a complaint of the browser, a request to elsewhere, or a serious finding of axe.
import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [build, output, photosText = "10000"] = process.argv.slice(2);
const photos = Number(photosText);
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "photoscribe-page-"));
const database = process.env.PAGE_DATABASE || join(folder, "archive.db");
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
mkdirSync(output, { recursive: true });

let server, browser, page;
const complaints = [], timings = [];
const told = (text) => console.log(`  ${text}`);

async function startServer(words) {
  server = spawn(join(build, "bin/photoscribe"), ["serve", database, "--listen", "127.0.0.1:0", ...words], {
    env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8", XDG_CACHE_HOME: join(folder, "cache"),
      PHOTOSCRIBE_WORKER_EXECUTABLE: process.env.PAGE_WORKER || join(build, "tests/fake_picture_worker") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    let text = "";
    server.stdout.on("data", (bytes) => {
      text += bytes;
      const found = /http:\/\/\S+\//.exec(text);
      if (found) resolve(found[0]);
    });
    server.on("exit", (code) => reject(new Error(`photoscribe serve ended with status ${code}`)));
  });
}

async function newPage(origin, { width = 1280, height = 850, dark = false, phone = false } = {}) {
  const one = await browser.newPage();
  await one.setViewport({ width, height, isMobile: phone, hasTouch: phone, deviceScaleFactor: phone ? 2 : 1 });
  await one.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  one.on("console", (message) => {
    if (["error", "warn"].includes(message.type()) && !/status of 40[0-9]|status of 503/.test(message.text())) complaints.push(message.text());
  });
  one.on("pageerror", (error) => complaints.push(String(error)));
  one.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) complaints.push(`a request to ${request.url()}`);
  });
  return one;
}

const text = (selector) => page.$eval(selector, (one) => one.textContent);
const until = (what, ...args) => page.waitForFunction(what, { timeout: 20000 }, ...args);
const go = (hash) => page.evaluate((to) => { location.hash = to; }, hash);

async function axe(name) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  for (const one of serious) told(`axe, ${name}: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`);
  assert.equal(serious.length, 0, `axe has serious findings on ${name}`);
}

const shot = (name) => page.screenshot({ path: join(output, `${name}.png`) });
const pictures = () => page.$$eval(".cell img", (all) => all.filter((one) => one.complete && one.naturalWidth > 0).length);

async function runsPage(origin) {
  await page.goto(origin);
  await until(() => document.querySelector(".tile") && document.querySelector("main table"));
  assert.match(await text("main"), /Run default/);
  assert.match(await text(".attention"), /photos failed/);
  assert.match(await text("main"), /truncated/);
  await axe("runs");
  await shot("runs");
  await page.click("section .buttons button");  // Pause
  await until(() => /default: paused/.test(document.querySelector("main").textContent));
  await page.click("section .buttons button");
  await until(() => !/default: paused/.test(document.querySelector("main").textContent));
  told("runs: what needs attention, failures, pause and resume");
}

async function galleryPage() {
  await page.keyboard.press("g");
  await page.keyboard.press("g");
  await until(() => document.querySelectorAll(".cell img").length > 5);
  await until(() => [...document.querySelectorAll(".cell img")].some((one) => one.naturalWidth > 0));
  assert.match(await text(".count"), new RegExp(photos.toLocaleString("en")));
  await axe("gallery");
  await shot("gallery");
  const captions = await page.$$eval(".cell img", (all) => all.map((one) => one.alt));
  assert.ok(captions.every((words) => words.length > 3), "captions are the alternative texts");

  // Keyboard: along the row, to the end, and back.
  await page.focus(".cell a");
  await page.keyboard.press("ArrowRight");
  await until(() => document.activeElement.closest(".cell")?.getAttribute("aria-posinset") === "2");
  await page.keyboard.press("End");
  await until((last) => document.activeElement.closest(".cell")?.getAttribute("aria-posinset") === String(last), photos);
  await page.keyboard.press("Home");
  await until(() => document.activeElement.closest(".cell")?.getAttribute("aria-posinset") === "1");

  // Filter and search by what a person types.
  await page.select("select[name=state]", "failed");
  await until(() => [...document.querySelectorAll(".badge")].length > 3 && [...document.querySelectorAll(".badge")].every((one) => one.classList.contains("failed")));
  await page.select("select[name=state]", "");
  await page.keyboard.press("/");
  await page.keyboard.type("brown dog beach");
  await until(() => /^[\d,]+ photo/.test(document.querySelector(".count").textContent)
    && [...document.querySelectorAll(".cell .words")].length > 0
    && [...document.querySelectorAll(".cell .words")].every((one) => /brown dog/.test(one.textContent)));
  await shot("search");
  await page.click(".clear");
  await until((all) => document.querySelector(".count").textContent.startsWith(all), photos.toLocaleString("en"));

  // A folder of the tree.
  await page.click(".tree details > summary");
  await until(() => document.querySelector(".tree details details > summary"));
  await page.click(".tree details details > summary");
  await until(() => document.querySelector(".tree details details li button"));
  await page.click(".tree details details li button");
  await until((all) => /^[\d,]+ photos/.test(document.querySelector(".count").textContent) && !document.querySelector(".count").textContent.startsWith(all), photos.toLocaleString("en"));
  await page.click(".clear");
  await until((all) => document.querySelector(".count").textContent.startsWith(all), photos.toLocaleString("en"));
  told("gallery: keys, filters, search, folders");
}

/** No place on the screen stays empty for long, wherever one scrolls to. */
async function scrolling() {
  const empty = () => page.evaluate(() => {
    const box = document.querySelector(".scroller").getBoundingClientRect();
    let bare = 0;
    for (let y = box.top + 60; y < box.bottom - 10; y += 60) {
      for (let x = box.left + 60; x < box.right - 40; x += 120) if (!document.elementFromPoint(x, y)?.closest(".cell")) ++bare;
    }
    return bare;
  });
  const box = await (await page.$(".scroller")).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  let gaps = 0;
  for (let step = 0; step < 60; ++step) {
    await page.mouse.wheel({ deltaY: 300 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    gaps += (await empty()) > 0 ? 1 : 0;
  }
  assert.equal(gaps, 0, "gaps while scrolling with the wheel");
  const places = [];
  for (const part of [0.25, 0.5, 0.9, 0.1, 1]) {  // the scroll bar is dragged
    await page.evaluate((to) => { const one = document.querySelector(".scroller"); one.scrollTop = to * one.scrollHeight; }, part);
    await until(() => {
      const scroller = document.querySelector(".scroller").getBoundingClientRect();
      const seen = [...document.querySelectorAll(".cell")].filter((one) => {
        const own = one.getBoundingClientRect();
        return own.bottom > scroller.top + 5 && own.top < scroller.bottom - 5;
      });
      return seen.length > 3 && seen.every((one) => one.querySelector("a"));
    });
    places.push(Number((await text(".count")).split("number ")[1].replaceAll(",", "")));
  }
  told(`the scroll bar at a quarter, half, 90 %, 10 %, end: photos ${places.join(", ")}`);
  assert.ok(Math.abs(places[1] / photos - 0.5) < 0.05, "half of the bar is half of the list");
  assert.ok(places[4] > photos * 0.95, "its end is the list's");
  await page.evaluate(() => { document.querySelector(".scroller").scrollTop = 0; });
}

/** From warm: the page is opened with thumbnails on disk. */
async function warmStart(origin) {
  for (let round = 0; round < 3; ++round) {
    const one = await newPage(origin);
    await one.goto("about:blank");
    await one.goto(`${origin}#/gallery`, { waitUntil: "domcontentloaded" });
    await one.waitForFunction(() => [...document.querySelectorAll(".cell img")].some((image) => image.complete && image.naturalWidth > 0), { polling: "raf" });
    const took = await one.evaluate(() => {
      const first = performance.getEntriesByType("resource").filter((entry) => /picture/.test(entry.name)).map((entry) => entry.responseEnd);
      return Math.min(...first);
    });
    timings.push(took);
    await one.close();
  }
  told(`first picture from warm, ms since the page was asked for: ${timings.map((one) => one.toFixed(0)).join(", ")}`);
}

async function photoPage() {
  await go("#/gallery?state=unsure&sort=confidence&order=desc");
  await until(() => document.querySelectorAll(".cell .badge.unsure").length > 3);
  await page.focus(".cell a");
  await page.keyboard.press("Enter");
  await until(() => document.querySelector(".photo-page h2") && document.querySelector(".picture img")?.naturalWidth > 0);
  await axe("photo");
  await shot("photo");
  assert.match(await text(".facts"), /Sharpness.*full.*decides/s);

  // Ten corrections without the mouse.
  const began = Date.now();
  for (let number = 0; number < 10; ++number) {
    const before = await text(".photo-page h2");
    if (number % 2) {
      await page.keyboard.press("a");
    } else {
      await page.keyboard.press("e");
      await page.keyboard.type(`corrected by hand, number ${number}`);
      await page.keyboard.press("Enter");
    }
    await until((old) => document.querySelector(".photo-page h2")?.textContent !== old, before);
  }
  const seconds = (Date.now() - began) / 1000;
  told(`ten corrections by keys alone: ${seconds.toFixed(1)} s of the program's time`);
  assert.ok(seconds < 60);
  await page.keyboard.press("k");
  await until(() => /approved/.test(document.querySelector(".caption-part").textContent));
  await page.keyboard.press("k");
  await until(() => /corrected by hand, number 8/.test(document.querySelector(".caption").textContent));
  await shot("edited");
  await page.keyboard.press("u");
  await until(() => !/corrected by hand/.test(document.querySelector(".caption").textContent));
  await page.keyboard.press("Escape");
  await until(() => document.querySelector(".scroller"));
  await go("#/gallery?edited=1");
  await until(() => document.querySelector(".count")?.textContent.startsWith("9 photos"));
  await go("#/gallery?state=failed");
  await until(() => document.querySelectorAll(".badge.failed").length > 0);
  told("photo: edit, approve, take back, back to the gallery");
}

/** Other captions taken to the field by a key; maps over the photo by hover, focus and click. */
async function looks() {
  await go("#/gallery?state=done");
  await until(() => document.querySelectorAll(".cell .words").length > 3);
  await page.focus(".cell a");
  await page.keyboard.press("Enter");
  await until(() => document.querySelector(".picture img")?.naturalWidth > 0);
  while (await page.$(".words-looked") === null) {  // one in five has none, and says how to get them
    const before = await text(".photo-page h2");
    assert.match(await text(".facts"), /--keep-attention 1.*models without attention/s);
    assert.match(await text(".facts"), /--keep-alternatives 3/);
    await page.keyboard.press("j");
    await until((old) => document.querySelector(".photo-page h2")?.textContent !== old, before);
  }
  await until(() => document.querySelector(".picture img")?.naturalWidth > 0);
  assert.equal(await page.$("canvas.veil"), null);
  const words = await page.$$eval(".words-looked button", (all) => all.map((one) => one.textContent));
  assert.ok((await text(".facts")).includes(words.join("")));
  await page.hover(".words-looked button:nth-child(2)");
  await until(() => document.querySelector("canvas.veil")?.hidden === false);
  const places = await page.evaluate(() => {
    const box = (one) => { const r = document.querySelector(one).getBoundingClientRect(); return [r.x, r.y, r.width, r.height].map(Math.round); };
    return [box(".picture img"), box("canvas.veil")];
  });
  assert.deepEqual(places[0], places[1], "the map covers the photo and nothing else");
  const clear = () => page.$eval("canvas.veil", (one) => {
    const copy = new OffscreenCanvas(one.width, one.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(one, 0, 0);
    const { data, width } = copy.getImageData(0, 0, one.width, one.height);
    const at = [...data].filter((_, place) => place % 4 === 3).findIndex((value) => value === 0);
    return [at % width, Math.floor(at / width)];
  });
  assert.deepEqual(await clear(), [1, 1]);
  await page.mouse.move(5, 300);
  await until(() => document.querySelector("canvas.veil").hidden);
  await page.focus(".words-looked button:nth-child(3)");
  assert.deepEqual(await clear(), [2, 2]);
  await page.keyboard.press("Enter");  // it stays
  assert.equal(await page.$eval(".words-looked button:nth-child(3)", (one) => one.getAttribute("aria-pressed")), "true");
  assert.match(await page.$eval(".words-looked button:nth-child(3)", (one) => one.getAttribute("aria-label")), /: mostly middle$/);
  await page.evaluate(() => document.activeElement.blur());
  assert.equal(await page.$eval("canvas.veil", (one) => one.hidden), false);
  await axe("looks");
  await shot("looks");
  await page.keyboard.press("2");
  assert.equal(await page.$eval(".edit input", (one) => one === document.activeElement && one.value), "something that moves");
  await page.keyboard.press("Escape");
  await page.click(".alternatives li:first-child button");
  assert.equal(await page.$eval(".edit input", (one) => one.value), "an animal outside");
  await page.keyboard.press("Escape");
  told("photo: other captions to the field, maps by hover, focus and click");
}

async function blurDesk() {
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await until(() => document.querySelectorAll(".strip li").length > 10);
  const before = await text("main [role=status]");
  const box = await (await page.$(".desk")).boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 8 });
  await page.mouse.up();
  await until((old) => document.querySelector("main [role=status]").textContent !== old, before);
  await until(() => /Compared with now/.test(document.querySelector("main").textContent) && document.querySelectorAll(".strip li.changes").length > 0);
  assert.match(await text("main"), /captions? taken back/);
  assert.match(await text("code"), /--blur-threshold/);
  await axe("blur desk");
  await shot("blur");
  const blurred = Number((await text("main [role=status]")).match(/: ([\d,]+) photo/)[1].replaceAll(",", ""));
  await page.click(".desk-controls button");
  await until(() => /This is the run's threshold/.test(document.querySelector("main").textContent));
  const runs = await page.evaluate(() => fetch("/api/runs").then((answer) => answer.json()));
  assert.equal(runs.runs[0].blurred, blurred, "the run is judged by it");
  told("blur desk: dragged, seen, saved");
}

async function dresses(origin) {
  for (const [name, how] of [["dark", { dark: true }], ["phone", { width: 390, height: 844, phone: true }], ["phone-dark", { width: 390, height: 844, phone: true, dark: true }]]) {
    page = await newPage(origin, how);
    for (const hash of ["runs", "gallery", "blur"]) {
      await page.goto(`${origin}#/${hash}`);
      await until(() => document.querySelector(".tile, .cell img, .strip li"));
      await new Promise((done) => setTimeout(done, 700));
      await axe(`${hash}, ${name}`);
      await shot(`${hash}-${name}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), `${hash} is too wide on ${name}`);
    }
    await page.goto(`${origin}#/gallery`);
    await until(() => document.querySelector(".cell a"));
    await page.click(".cell a");
    await until(() => document.querySelector(".picture img"));
    await new Promise((done) => setTimeout(done, 500));
    await axe(`photo, ${name}`);
    await shot(`photo-${name}`);
    await page.close();
  }
  told("dark and phone");
}

async function main() {
  if (!existsSync(database)) execFileSync(join(build, "tests/make_archive"), [database, String(photos)]);
  const origin = await startServer(["--edit"]);
  browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  page = await newPage(origin);
  await runsPage(origin);
  await galleryPage();
  await scrolling();
  await warmStart(origin);
  await photoPage();
  await looks();
  await blurDesk();
  await page.close();
  await dresses(origin);
  assert.deepEqual(complaints, [], "the browser complained");
}

let status = 0;
try {
  await main();
  console.log("page: all well");
} catch (error) {
  status = 1;
  console.error(error);
  if (complaints.length) console.error(complaints);
  if (page && !page.isClosed()) await page.screenshot({ path: join(output, "failed.png") }).catch(() => {});
} finally {
  if (browser) await browser.close();
  if (server) { server.removeAllListeners("exit"); server.kill("SIGTERM"); }
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
