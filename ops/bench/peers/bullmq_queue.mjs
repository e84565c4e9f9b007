// BullMQ's part of ops/bench/queue: the same jobs as ours, through a queue of its own.
//
//   node bullmq_queue.mjs PEERS_FOLDER SOCKET enqueue JOBS
//   node bullmq_queue.mjs PEERS_FOLDER SOCKET done    JOBS CONCURRENCY WORKERS
//   node bullmq_queue.mjs PEERS_FOLDER SOCKET drain   JOBS CONCURRENCY WORKERS
//   node bullmq_queue.mjs PEERS_FOLDER SOCKET paced   JOBS CONCURRENCY WORKERS JOBS_PER_S
//   node bullmq_queue.mjs PEERS_FOLDER SOCKET work    CONCURRENCY          (a worker; started by the others)
//
// PEERS_FOLDER holds node_modules with bullmq and ioredis. Workers are processes of their own and return at once;
// jobs are added 1,000 a call, several calls under way, and removed when they are done. `done` adds and works at the
// same time, `drain` works off a full queue. Prints one JSON object.
import {createRequire} from 'node:module';
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const [folder, socket, what, ...rest] = process.argv.slice(2);
const require = createRequire(join(folder, 'node_modules', 'x.js'));
const {Queue, Worker} = require('bullmq');
const Redis = require('ioredis');
const connect = () => new Redis({path: socket, maxRetriesPerRequest: null});
const kQueue = 'photos', kAtOnce = 1000, kCallsUnderWay = 4;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function jobs(first, count) {
  return Array.from({length: count}, (_, i) => ({
    name: 'photo',
    data: {image_id: first + i, attempt: 1, root: 'photos', path: `2019/08/holiday/IMG_${100000 + first + i}.jpg`},
    opts: {removeOnComplete: true},
  }));
}

async function addAll(queue, total) {
  let next = 0;
  const feed = async () => {
    while (next < total) {
      const first = next;
      next += kAtOnce;
      await queue.addBulk(jobs(first, Math.min(kAtOnce, total - first)));
    }
  };
  await Promise.all(Array.from({length: kCallsUnderWay}, feed));
}

if (what === 'work') {
  const caption = 'a brown dog runs through the tall grass with a ball in its mouth';
  let done = 0;
  const times = [];
  const worker = new Worker(kQueue, async () => ({caption, log_prob: -9.5, tokens: 14, blur: 512.25}),
    {connection: connect(), concurrency: Number(rest[0]), autorun: false});
  worker.on('completed', (job) => {
    ++done;
    times.push(Date.now() - job.timestamp);
  });
  worker.on('error', (error) => console.error(error.message));
  worker.run();
  await worker.waitUntilReady();
  process.send('ready');
  setInterval(() => process.send({done}), 5);
  process.on('message', async () => {
    process.send({times});
    await worker.close(true);
    process.exit(0);
  });
} else {
  const total = Number(rest[0]), concurrency = rest[1], workers = Number(rest[2] ?? 0), rate = Number(rest[3] ?? 0);
  const queue = new Queue(kQueue, {connection: connect()});
  await queue.waitUntilReady();
  const counts = new Array(workers).fill(0), latencies = [];
  let finished;
  const allDone = new Promise((resolve) => { finished = resolve; });
  const children = [];
  const startWorkers = () => Promise.all(counts.map((_, at) => new Promise((ready) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), folder, socket, 'work', concurrency],
      {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
    children.push(child);
    child.on('message', (said) => {
      if (said === 'ready') ready();
      if (said.done !== undefined) counts[at] = said.done;
      if (said.times) for (const ms of said.times) latencies.push(ms);
      if (counts.reduce((a, b) => a + b, 0) >= total) finished(performance.now());
    });
  })));

  if (what === 'drain') {
    await addAll(queue, total);
    await queue.pause();
  }
  await startWorkers();
  const begun = performance.now();
  let end;
  if (what === 'enqueue') {
    await addAll(queue, total);
    end = performance.now();
  } else if (what === 'paced') {
    const everyMs = 50, each = Math.round(rate * everyMs / 1000);
    for (let first = 0, turn = 1; first < total; first += each, ++turn) {
      await queue.addBulk(jobs(first, Math.min(each, total - first)));
      await sleep(Math.max(0, begun + turn * everyMs - performance.now()));
    }
    end = await allDone;
  } else if (what === 'drain') {
    await queue.resume();
    end = await allDone;
  } else {
    await addAll(queue, total);
    end = await allDone;
  }
  const seconds = (end - begun) / 1000;
  for (const child of children) child.send('stop');
  await Promise.all(children.map((child) => new Promise((gone) => child.on('exit', gone))));
  const result = {photos: total, seconds, per_s: total / seconds};
  if (what === 'paced') {
    latencies.sort((a, b) => a - b);
    const at = (share) => latencies[Math.floor(share * (latencies.length - 1))];
    Object.assign(result, {p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1)});
  }
  console.log(JSON.stringify(result));
  process.exit(0);
}
