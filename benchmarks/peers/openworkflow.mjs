import { OpenWorkflow } from 'openworkflow';
import { BackendPostgres } from 'openworkflow/postgres';
import { inFlight, pause } from './shape.mjs';

export const name = 'OpenWorkflow';
export const library = 'openworkflow';
export const lacks = 'a row an attempt; work is polled for, 0.1 to 1 s apart, and its end each second';
export const tasks = { 1: 1500, 10: 300 };
export const saturated = { text: '100 at once, as in its own benchmark', concurrency: 100 };
export const idle = [
  { text: '10 at once, as it comes', concurrency: 10, count: 24 },
  { text: 'its end looked up each ms', concurrency: 10, count: 40, looking: 1 },
];

export async function open(url, setting) {
  const backend = await BackendPostgres.connect(url);
  const engine = new OpenWorkflow({ backend });
  const chain = engine.defineWorkflow({ name: 'chain' }, async ({ input, step }) => {
    let sum = 0;
    for (let no = 0; no < input.steps; ++no) sum = await step.run({ name: `step ${no}` }, () => sum + 1);
    return sum;
  });
  await engine.newWorker({ concurrency: setting.concurrency }).start();
  return {
    /// The ends are counted by the benchmark: asking for each result, each second, would only slow it.
    all: (count, steps) => inFlight(setting.concurrency, count, () => chain.run({ steps })),
    one: async () => {
      const run = await chain.run({ steps: 1 });
      if (!setting.looking) return run.result();
      for (;;) {
        const { status } = await backend.getWorkflowRun({ workflowRunId: run.workflowRun.id });
        if (status === 'completed') return;
        await pause(setting.looking);
      }
    },
    unfinished: `select count(*) from openworkflow.workflow_runs where status <> 'completed'`,
    stored: `select count(*) from openworkflow.step_attempts where status = 'completed'`,
  };
}
