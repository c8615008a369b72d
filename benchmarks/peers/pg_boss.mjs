import { PgBoss } from 'pg-boss';
import { chunks, pause } from './shape.mjs';

export const name = 'pg-boss';
export const library = 'pg-boss';
export const lacks = 'a job queue: the steps are jobs, chained by hand; a batch succeeds or fails as a whole';
export const tasks = { 1: 20000, 10: 4000 };
export const saturated = {
  text: '4 local workers, LISTEN/NOTIFY, fetched, completed, submitted and chained in batches of 1,000',
  notify: true,
  work: { batchSize: 1000, localConcurrency: 4, burstWhenBatchFull: true },
};
export const idle = [
  { text: 'as it comes', work: {}, count: 24 },
  { text: 'LISTEN/NOTIFY', notify: true, work: {}, count: 40 },
];

export async function open(url, setting) {
  const boss = new PgBoss({ connectionString: url, useListenNotify: Boolean(setting.notify) });
  boss.on('error', (problem) => console.error(problem));
  await boss.start();
  await boss.createQueue('steps', { notify: Boolean(setting.notify) });
  const heard = new Map();
  await boss.work('steps', setting.work, async (jobs) => {
    const next = jobs.filter(({ data }) => data.no + 1 < data.steps);
    if (next.length !== 0)
      await boss.insert('steps', next.map(({ data }) => ({ data: { ...data, no: data.no + 1, sum: data.sum + 1 } })));
    for (const { id } of jobs) heard.get(id)?.();
  });
  return {
    all: async (count, steps) => {
      for (const size of chunks(count, 1000))
        await boss.insert('steps', Array.from({ length: size }, () => ({ data: { no: 0, steps, sum: 0 } })));
    },
    /// Nobody is told that a job's end is stored: it is looked up each millisecond from its body's end on.
    one: async () => {
      const id = crypto.randomUUID();
      const ran = new Promise((resolve) => heard.set(id, resolve));
      await boss.send('steps', { no: 0, steps: 1, sum: 0 }, { id });
      await ran;
      for (;;) {
        const [job] = await boss.findJobs('steps', { id });
        if (job.state === 'completed') return;
        await pause(1);
      }
    },
    unfinished: `select count(*) from pgboss.job where name = 'steps' and state <> 'completed'`,
    stored: `select count(*) from pgboss.job where name = 'steps' and state = 'completed'`,
  };
}
