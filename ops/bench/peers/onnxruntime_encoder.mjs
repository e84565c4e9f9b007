// ONNX Runtime's part of ops/bench/network: an encoder alone, on the photos of ours.
//
//   node onnxruntime_encoder.mjs PEERS_FOLDER MODEL.onnx PHOTOS SIDE THREADS FEATURES
//
// PEERS_FOLDER holds node_modules with onnxruntime-node. PHOTOS is float32 (N,S,S,3); FEATURES gets the features of all of
// them, float32 (N,C,G,G). Then as `encoder_bench serve`: a line {"backend": …}, and for each line "BATCH SECONDS" of standard
// input a line that says how many photos went through and what time they took.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {closeSync, openSync, readFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';

const [folder, model, photosFile, sideText, threads, featuresFile] = process.argv.slice(2);
const require = createRequire(join(folder, 'node_modules', 'x.js'));
const ort = require('onnxruntime-node');
const {version} = require('onnxruntime-node/package.json');

const side = Number(sideText), pixels = side * side, each = 3 * pixels;
const bytes = readFileSync(photosFile);
const photos = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const count = photos.length / each;
const planes = new Float32Array(photos.length);
for (let n = 0; n < count; ++n)
  for (let c = 0; c < 3; ++c)
    for (let i = 0; i < pixels; ++i) planes[n * each + c * pixels + i] = photos[n * each + 3 * i + c];

const session = await ort.InferenceSession.create(model, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
});
const run = (first, batch) => session.run({
  photos: new ort.Tensor('float32', planes.subarray(first * each, (first + batch) * each), [batch, 3, side, side]),
});

const out = openSync(featuresFile, 'w');
for (let first = 0; first < count; ++first) {
  const {data} = (await run(first, 1)).features;
  writeSync(out, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
closeSync(out);
console.log(JSON.stringify({backend: `ONNX Runtime ${version}`}));

for await (const line of createInterface({input: process.stdin})) {
  const [batch, seconds] = line.split(' ').map(Number);
  const cpuBegun = process.cpuUsage(), begun = performance.now();
  let done = 0;
  do {
    await run(done % (count - batch + 1), batch);
    done += batch;
  } while (performance.now() - begun < seconds * 1000);
  const wall = performance.now() - begun, cpu = process.cpuUsage(cpuBegun);
  console.log(JSON.stringify({photos: done, wall_s: wall / 1000, cpu_s: (cpu.user + cpu.system) / 1e6}));
}
process.exit(0);
