import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** How one scenario against the client ended. */
export interface ClientScenario {
  readonly name: string;
  readonly ok: boolean;
  /** Why it is right that it fails; absent for one that passes or must. */
  readonly reason?: string | undefined;
}

const SCENARIO_TIMEOUT_MS = 60_000;

/** Extensions of the protocol that the broker does not speak towards tool servers. */
const NOT_SPOKEN: ReadonlyMap<string, string> = new Map([
  ["auth/dpop", "a tool's credential is a header that is the same for each request, so no proof goes with it"],
  ["auth/dpop-nonce", "a tool's credential is a header that is the same for each request, so no proof goes with it"],
  [
    "auth/enterprise-managed-authorization",
    "the broker asks partners with assertions of its own, not with an identity provider's ID token",
  ],
  ["auth/wif-jwt-bearer", "the broker has no workload document of its own to present"],
]);

/** Runs every authorization scenario of the suite against the broker's client for tool servers, which the driver starts. */
export async function runClientScenarios(folder: string): Promise<readonly ClientScenario[]> {
  const program = createRequire(import.meta.url).resolve("conformance-next/dist/index.js");
  const driver = fileURLToPath(new URL("driver.ts", import.meta.url));
  const names = [...(await output([program, "list"], folder)).matchAll(/^ +- (auth\/\S+)/gm)].map(([, name = ""]) => name);
  if (names.length === 0) throw new Error("the suite lists no authorization scenarios for clients");
  const results: ClientScenario[] = [];
  for (const name of names) {
    const text = await output([program, "client", "--command", `${process.execPath} ${driver}`, "--scenario", name, "-o", folder], folder);
    const ok = /OVERALL: PASSED/.test(text);
    results.push({ name, ok, reason: ok ? undefined : NOT_SPOKEN.get(name) });
  }
  return results;
}

async function output(args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  const timer = setTimeout(() => child.kill("SIGKILL"), SCENARIO_TIMEOUT_MS);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const done = Promise.withResolvers<void>();
  child.on("close", () => done.resolve());
  await done.promise;
  clearTimeout(timer);
  return text;
}
