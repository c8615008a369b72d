// Measures each engine that stands beside this file, by turns with tasker, on the server that TASKER_POSTGRES names:
//   node compare.mjs --tasker PROGRAM [--json FILE] [--quick] [ENGINE...]
// prints a table, and writes the lines of JSON that the other benchmarks write.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify, parseArgs } from 'node:util';
import pg from 'pg';

const { values: given, positionals } = parseArgs({
  options: { tasker: { type: 'string' }, json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const engines = positionals.length !== 0 ? positionals : ['dbos', 'openworkflow', 'graphile_worker', 'pg_boss'];
const rounds = given.quick ? 1 : 3;
const shapes = [
  { steps: 1, section: 'saturated: 1-step workflows', unit: 'workflows/s', tasks: 20000 },
  { steps: 10, section: 'saturated: 10-step workflows', unit: 'steps/s', tasks: 4000 },
];
const shares = [
  { section: 'idle: submit to stored end of one step, p50', share: 0.5 },
  { section: 'idle: the same, p99, which is the slowest of the 24 to 40', share: 0.99 },
];

// ---- processes, each with a database of its own

const run = promisify(execFile);
const ended = new AbortController();
process.on('SIGTERM', () => {
  ended.abort();
  process.exit(143);
});
const database = `tasker_peer_${process.pid}`;

/// How TASKER_POSTGRES says to connect, in the variables that libpq and the packages read.
function connection(text) {
  const names = { host: 'PGHOST', port: 'PGPORT', user: 'PGUSER', password: 'PGPASSWORD', dbname: 'PGDATABASE' };
  if (/^postgres(ql)?:/.test(text)) {
    const url = new URL(text);
    const found = { host: url.searchParams.get('host') ?? url.hostname, port: url.port, user: url.username };
    Object.assign(found, { password: url.password, dbname: url.pathname.slice(1) });
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value).map(([key, value]) => [names[key], decodeURIComponent(value)]));
  }
  const pairs = [...text.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))/g)];
  return Object.fromEntries(pairs.filter(([, key]) => key in names).map(([, key, quoted, plain]) => [names[key], quoted ?? plain]));
}

async function onServer(...statements) {
  const client = new pg.Client({ database: process.env.PGDATABASE });
  await client.connect();
  for (const sql of statements) await client.query(sql);
  await client.end();
}

async function answer(program, words, environment = {}) {
  const env = { ...process.env, ...environment };
  const { stdout } = await run(program, words, { env, timeout: 120_000, killSignal: 'SIGKILL', signal: ended.signal });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

async function measure(engine, what, details) {
  await onServer(`create database ${database}`, 'checkpoint');
  try {
    return await answer(process.execPath, ['measure.mjs', engine, what, JSON.stringify(details)], { PGDATABASE: database });
  } finally {
    await onServer(`drop database ${database} with (force)`);
  }
}

// ---- figures

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.max(Math.ceil(share * sorted.length), 1), sorted.length) - 1];
}
const median = (values) => quantile(values, 0.5);
const spread = (values) => (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);

const figures = [];
function add(section, what, unit, value, baseline, spreads = {}) {
  figures.push({ section, what, unit, value, baseline, ...spreads, ratio: value / baseline });
}

const fewer = (count) => (given.quick ? Math.ceil(count / 40) : count);

async function compareSaturated(engine, peer) {
  for (const { steps, section, unit, tasks } of shapes) {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < rounds; ++round) {
      tell(`${peer.name}, ${section}, round ${round + 1} of ${rounds}`);
      const own = fewer(tasks);
      ours.push((own * steps) / (await answer(given.tasker, ['--tasks', own, '--steps', steps].map(String))).seconds);
      const count = fewer(peer.tasks[steps]);
      theirs.push((count * steps) / (await measure(engine, 'saturated', { count, steps, setting: peer.saturated })).seconds);
    }
    const spreads = { spread: spread(ours), baseline_spread: spread(theirs) };
    add(section, peer.label, unit, median(ours), median(theirs), spreads);
  }
}

async function compareIdle(engine, peer) {
  tell(`${peer.name}, idle`);
  const ours = (await answer(given.tasker, ['--idle', String(fewer(40))])).milliseconds;
  for (const setting of peer.idle) {
    tell(`${peer.name}, idle, ${setting.text}`);
    const theirs = (await measure(engine, 'idle', { count: fewer(setting.count), setting })).milliseconds;
    for (const { section, share } of shares)
      add(section, `${peer.name}, ${setting.text}`, 'ms', quantile(ours, share), quantile(theirs, share));
  }
}

// ---- what is told

function tell(what) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
const short = (value) => Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 });

function print(title) {
  const row = (what, ...cells) => console.log(what.padEnd(76) + cells.map((cell) => cell.padStart(13)).join(''));
  console.log(title);
  for (const { section } of [...shapes, ...shares]) {
    row(section, 'tasker', 'peer', 'ratio');
    for (const one of figures.filter((each) => each.section === section))
      row(`  ${one.what}, ${one.unit}`, short(one.value), short(one.baseline), short(one.ratio));
  }
}

/// Everything side by side: each figure of a peer, and how many times that tasker reached by turns with it.
function summaryOf(peers) {
  const found = (section, what) => figures.filter((one) => one.section === section && (!what || one.what === what));
  const beside = (one) => `${short(one.baseline)} (${short(one.ratio)} x)`;
  const latencies = (what) => shares.map(({ section }) => short(found(section, what)[0].baseline)).join(' / ');
  const rates = (of) => shapes.map(({ section }) => of(section));
  const row = (...cells) => `| ${cells.join(' | ')} |`;
  const ours = [...shapes, ...shares].map(({ section }) => short(median(found(section).map((one) => one.value))));
  return [
    row('', ...shapes.map(({ section, unit }) => `${section.split(': ')[1]}, ${unit}`), 'idle, p50 / p99, ms', 'saturated with', 'what to know'),
    row('---', '---', '---', '---', '---', '---'),
    row('tasker', ...ours.slice(0, 2), ours.slice(2).join(' / '), '2,000 in flight', 'audit trail of every change of state'),
    ...peers.map(({ name, label, saturated, lacks, idle }) =>
      row(label, ...rates((section) => beside(found(section, label)[0])),
        idle.map(({ text }) => `${latencies(`${name}, ${text}`)} ${text}`).join('; '), saturated.text, lacks)),
  ].join('\n');
}

const introduction =
  'The figure is tasker, with its audit trail. The baseline is the peer that the line names, by turns with it on the same server: ' +
  'each engine in one process, each step adding one to what the step before gave. In the first table `(2 x)` says that tasker reached ' +
  `twice that by turns with this peer. Node.js ${process.version}.`;

Object.assign(process.env, connection(process.env.TASKER_POSTGRES ?? ''));
const compared = [];
let failed = false;
for (const engine of engines) {
  let peer;
  try {
    peer = await import(`./${engine}.mjs`);
  } catch (problem) {
    console.error(`${engine} is left out, since it is not installed: ${problem.message.split('\n')[0]}`);
    continue;
  }
  const { version } = JSON.parse(readFileSync(`node_modules/${peer.library}/package.json`, 'utf8'));
  peer = { ...peer, label: `${peer.name} ${version}` };
  try {
    await compareSaturated(engine, peer);
    await compareIdle(engine, peer);
    compared.push(peer);
  } catch (problem) {
    console.error(`${peer.label} failed: ${problem.stderr || problem.message}`);
    failed = true;
  }
}
tell('');
figures.sort((a, b) => order(a) - order(b));
const title = compared.length === 0 ? introduction : `${introduction}\n\n${summaryOf(compared)}`;
print(introduction);
if (given.json) {
  const lines = [{ program: 'PostgreSQL peers', title }, ...figures];
  writeFileSync(given.json, lines.map((line) => JSON.stringify(line) + '\n').join(''));
}
process.exit(failed ? 1 : 0);

function order({ section }) {
  return [...shapes, ...shares].findIndex((one) => one.section === section);
}
