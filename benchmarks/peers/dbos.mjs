import { DBOS } from '@dbos-inc/dbos-sdk';
import { inFlight } from './shape.mjs';

export const name = 'DBOS Transact';
export const library = '@dbos-inc/dbos-sdk';
export const lacks = 'a row a step, none an attempt; its queue is polled, and so is the end of what it ran';
export const tasks = { 1: 1500, 10: 300 };
export const saturated = { text: 'started in place, 100 in flight, 20 connections', pool: 20, inFlight: 100 };
export const idle = [
  { text: 'by its queue, as it comes', queue: 'idle', count: 24 },
  { text: 'started in place, without a queue', count: 40 },
];

const chain = DBOS.registerWorkflow(
  async (steps) => {
    let sum = 0;
    for (let no = 0; no < steps; ++no) {
      const before = sum;
      sum = await DBOS.runStep(async () => before + 1, { name: `step ${no}` });
    }
    return sum;
  },
  { name: 'chain' },
);

/// It insists on a user and a host in the address, where the others read them from the environment.
function withHost(url) {
  const { PGUSER = 'postgres', PGHOST = 'localhost', PGPORT = '5432' } = process.env;
  const query = new URLSearchParams({ host: PGHOST, port: PGPORT });
  return url.replace(':///', `://${encodeURIComponent(PGUSER)}@localhost/`) + `?${query}`;
}

export async function open(url, setting) {
  DBOS.setConfig({
    name: 'benchmark',
    systemDatabaseUrl: withHost(url),
    logLevel: 'error',
    ...(setting.pool && { systemDatabasePoolSize: setting.pool }),
  });
  await DBOS.launch();
  if (setting.queue) await DBOS.registerQueue(setting.queue);
  const run = async (steps) => {
    const handle = await DBOS.startWorkflow(chain, setting.queue ? { queueName: setting.queue } : {})(steps);
    return handle.getResult();
  };
  return {
    all: (count, steps) => inFlight(setting.inFlight, count, () => run(steps)),
    one: () => run(1),
    unfinished: `select count(*) from dbos.workflow_status where status <> 'SUCCESS'`,
    stored: `select count(*) from dbos.operation_outputs`,
  };
}
