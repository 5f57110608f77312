/** Work of one name waits for its turn, without taking up anything meanwhile; work of different names runs side by side. */
type OneAtATime = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export function oneAtATime(): OneAtATime {
  const last = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const own = (last.get(name) ?? Promise.resolve()).then(work);
    const over = own.catch(() => undefined);
    last.set(name, over);
    try {
      return await own;
    } finally {
      if (last.get(name) === over) last.delete(name);
    }
  };
}
