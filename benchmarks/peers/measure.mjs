// What every engine is given to do, and the clock beside it. A process of its own for each measurement:
//   node measure.mjs ENGINE saturated '{"count": 300, "steps": 10, "setting": {...}}'
//   node measure.mjs ENGINE idle      '{"count": 24, "setting": {...}}'
// prints {"seconds": 1.5} or {"milliseconds": [...]}. The environment says how to connect, as libpq reads it.
import pg from 'pg';
import { pause } from './shape.mjs';

const ask = async (database, sql) => Number((await database.query(sql)).rows[0].count);

/// Until the database says so itself, everything is finished.
async function finish(engine, database, count, steps) {
  await engine.all(count, steps);
  while ((await ask(database, engine.unfinished)) !== 0) await pause(5);
}

async function saturated(engine, database, { count, steps }) {
  const warmUp = Math.ceil(count / 5);
  await finish(engine, database, warmUp, steps);
  const begin = performance.now();
  await finish(engine, database, count, steps);
  const seconds = (performance.now() - begin) / 1000;
  const due = (warmUp + count) * steps;
  const done = engine.stored ? await ask(database, engine.stored) : engine.ran();
  if (done !== due) throw new Error(`${done} of ${due} steps were done`);
  return { seconds };
}

/// The pauses are of different lengths, lest what is polled for be met at the same moment of the interval each time.
async function idle(engine, { count }) {
  const milliseconds = [];
  for (let no = -Math.min(count, 3); no < count; ++no) {
    await pause(50 + Math.random() * 200);
    const begin = performance.now();
    await engine.one();
    if (no >= 0) milliseconds.push(performance.now() - begin);
  }
  return { milliseconds };
}

const [, , name, what, text] = process.argv;
const given = JSON.parse(text);
const { open } = await import(`./${name}.mjs`);
const url = `postgresql:///${process.env.PGDATABASE}`;
const engine = await open(url, given.setting);
const database = new pg.Client(url);
await database.connect();
const found = what === 'idle' ? await idle(engine, given) : await saturated(engine, database, given);
process.stdout.write(JSON.stringify(found) + '\n', () => process.exit(0));
