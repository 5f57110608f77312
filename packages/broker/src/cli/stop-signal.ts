import process from "node:process";

/** The first SIGINT or SIGTERM asks to stop gracefully; a second one finds no listener and ends the process at once. */
export interface StopSignal {
  readonly asked: Promise<void>;
  forget(): void;
}

export function stopSignal(): StopSignal {
  const asked = Promise.withResolvers<void>();
  const forget = (): void => {
    process.off("SIGINT", heard);
    process.off("SIGTERM", heard);
  };
  const heard = (): void => {
    forget();
    asked.resolve();
  };
  process.on("SIGINT", heard);
  process.on("SIGTERM", heard);
  return { asked: asked.promise, forget };
}
