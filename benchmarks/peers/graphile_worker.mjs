import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { chunks, gathered } from './shape.mjs';

export const name = 'graphile-worker';
export const library = 'graphile-worker';
export const lacks = 'a job queue: the steps are jobs, chained by hand; no results and no history, since a finished job is deleted';
export const tasks = { 1: 20000, 10: 2000 };
/// As the page on its performance has it, but for 500 at once instead of 24, which is faster here.
export const saturated = {
  text: '500 at once, 25 connections, local queue of 1,000, fetched, completed, submitted and chained in batches',
  worker: { concurrentJobs: 500, maxPoolSize: 25, localQueue: { size: 1000 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};
export const idle = [{ text: 'as it comes, which is the fastest', worker: {}, count: 40 }];

export async function open(url, setting) {
  const logger = new Logger(() => (level, message) => level === 'error' && console.error(message));
  const preset = { worker: { connectionString: url, logger, ...setting.worker } };
  const utils = await makeWorkerUtils({ preset });
  await utils.migrate();
  const waiting = new Map();
  let ran = 0;
  const add = gathered((payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: 'step', payload }))));
  const taskList = {
    step: async ({ no, steps, sum }) => {
      ++ran;
      if (no + 1 < steps) await add({ no: no + 1, steps, sum: sum + 1 });
    },
  };
  const runner = await run({ preset, taskList, noHandleSignals: true });
  runner.events.on('job:complete', ({ job }) => waiting.get(job.payload.id)?.());
  return {
    all: async (count, steps) => {
      for (const size of chunks(count, 1000)) {
        const one = { identifier: 'step', payload: { no: 0, steps, sum: 0 } };
        await utils.addJobs(Array.from({ length: size }, () => one));
      }
    },
    one: () =>
      new Promise((resolve, reject) => {
        const id = crypto.randomUUID();
        waiting.set(id, resolve);
        utils.addJob('step', { id, no: 0, steps: 1, sum: 0 }).catch(reject);
      }),
    unfinished: `select count(*) from graphile_worker._private_jobs`,
    ran: () => ran, // finished jobs are deleted
  };
}
