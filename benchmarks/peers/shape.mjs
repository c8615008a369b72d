// What the engines beside this file are driven with.

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/// Calls `run` so often, so many at once.
export async function inFlight(atOnce, count, run) {
  let left = count;
  const one = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
}

/// The sizes of the pieces, of at most `most`, that `count` falls into.
export const chunks = (count, most) =>
  Array.from({ length: Math.ceil(count / most) }, (_, no) => Math.min(most, count - no * most));

/// A function for one, from `act` for many: takes together what is asked for while the last is under way.
export function gathered(act) {
  let waiting = [];
  let busy = false;
  const go = async () => {
    busy = true;
    while (waiting.length !== 0) {
      const taken = waiting;
      waiting = [];
      const acted = Promise.resolve(act(taken.map(({ what }) => what)));
      await acted.then(
        () => taken.forEach(({ resolve }) => resolve()),
        (problem) => taken.forEach(({ reject }) => reject(problem)),
      );
    }
    busy = false;
  };
  return (what) =>
    new Promise((resolve, reject) => {
      waiting.push({ what, resolve, reject });
      if (!busy) go();
    });
}
