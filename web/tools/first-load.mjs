// Prints what a browser must load before the first page shows, and fails when it is more than the house allows.
// The entry and everything it imports statically counts; lazy routes do not. Sizes are gzipped.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_KIB = 450;
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));
const entries = Object.keys(manifest).filter((key) => manifest[key].isEntry);
const needed = new Set();
const follow = (key) => {
  if (needed.has(key)) return;
  needed.add(key);
  for (const next of manifest[key].imports ?? []) follow(next);
};
entries.forEach(follow);

const kib = (file) => gzipSync(readFileSync(`dist/${file}`)).length / 1024;
const line = (size, text) => process.stdout.write(`${size.toFixed(1).padStart(8)} KiB  ${text}\n`);
let total = 0;
process.stdout.write('First load, gzipped:\n');
for (const key of needed) {
  const size = kib(manifest[key].file);
  total += size;
  line(size, manifest[key].file);
}
line(total, `in all (at most ${LIMIT_KIB})`);
process.stdout.write('Loaded when needed:\n');
for (const key of Object.keys(manifest)) {
  const { file } = manifest[key];
  if (!needed.has(key) && file.endsWith('.js')) line(kib(file), file);
}
if (total > LIMIT_KIB) process.exit(1);
