import { usableValue, type ValueSource } from "./value-source.ts";

/** Values in the broker's own environment. They last as long as the process, so their version is always 1. */
export function environmentSource(environment: (name: string) => string | undefined): ValueSource {
  return {
    async read(place) {
      const text = environment(place);
      return text === undefined || text === "" ? undefined : { value: usableValue(text, `env:${place}`), version: 1 };
    },
  };
}
