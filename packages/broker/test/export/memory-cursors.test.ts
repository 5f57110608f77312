import { keepsThePromisesOfCursors } from "./cursor-contract.ts";
import { memoryCursors } from "./delivery-support.ts";

keepsThePromisesOfCursors(async () => {
  const store = memoryCursors();
  return { first: store, second: store, breakLease: async (name) => store.loseLease(name) };
});
