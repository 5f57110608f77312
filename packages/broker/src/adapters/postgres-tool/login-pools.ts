import { Pool, type PoolConfig } from "pg";
import type { Equipment } from "../../domain/tool.ts";

export type Login = NonNullable<Equipment["login"]>;

export interface LoginPools {
  /** Runs `work` with the pool of this login, which stays open until `work` has ended. */
  use<T>(login: Login, work: (pool: Pool) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Held {
  readonly pool: Pool;
  users: number;
  replaced: boolean;
  ended: boolean;
}

/**
 * A pool for each login in use. When another login comes, the one before ends with its last user: calls that wait for one of its
 * connections still get one, because a pool that is ending serves nobody who waits.
 */
export function loginPools(configure: (login: Login) => PoolConfig): LoginPools {
  const open = new Map<string, Held>();
  const ending = new Set<Promise<void>>();
  const end = (key: string, held: Held): void => {
    if (held.ended) return;
    held.ended = true;
    open.delete(key);
    const ended: Promise<void> = held.pool.end().finally(() => ending.delete(ended));
    ending.add(ended);
  };
  const replaceOthers = (key: string): void => {
    for (const [other, held] of open) {
      if (other === key) continue;
      held.replaced = true;
      if (held.users === 0) end(other, held);
    }
  };
  return {
    use: async (login, work) => {
      const key = JSON.stringify([login.user, login.password]);
      const held = open.get(key) ?? { pool: makePool(configure(login)), users: 0, replaced: false, ended: false };
      open.set(key, held);
      held.replaced = false;
      held.users += 1;
      replaceOthers(key);
      try {
        return await work(held.pool);
      } finally {
        held.users -= 1;
        if (held.users === 0 && held.replaced) end(key, held);
      }
    },
    close: async () => {
      for (const [key, held] of open) end(key, held);
      await Promise.all(ending);
    },
  };
}

function makePool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  // A connection that dies is replaced on the next call; without listeners it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}
