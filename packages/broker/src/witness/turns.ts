/** Lets one task of a kind run after another. */
export interface Turns {
  /** Runs the task when those before it with the same key are over; undefined when too many wait already. */
  take<T>(key: string, task: () => Promise<T>): Promise<T> | undefined;
}

export function turns(maxWaiting: number): Turns {
  const lines = new Map<string, { last: Promise<unknown>; waiting: number }>();
  return {
    take(key, task) {
      const line = lines.get(key) ?? { last: Promise.resolve(), waiting: 0 };
      if (line.waiting >= maxWaiting) return undefined;
      lines.set(key, line);
      line.waiting += 1;
      const mine = line.last.then(task).finally(() => {
        line.waiting -= 1;
        if (line.waiting === 0) lines.delete(key);
      });
      line.last = mine.catch(() => undefined);
      return mine;
    },
  };
}
