import { type RunningBroker, startBroker, VERSION } from "../main.ts";
import type { CliIo, UpOptions } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { stopSignal } from "./stop-signal.ts";

/** Starts the broker, says where it is, and stays until it is asked to stop (SIGINT or SIGTERM). Resolves with the exit code. */
export async function runBroker(options: UpOptions, io: CliIo): Promise<number> {
  const started = performance.now();
  const stop = stopSignal();
  const broker = await startBroker({
    policyFolder: options.policyFolder,
    dataFolder: options.dataFolder,
    databaseUrl: options.databaseUrl,
    logDatabaseUrl: options.logDatabaseUrl,
    host: options.host,
    port: options.port,
    egressPort: options.egressPort,
    publicUrl: options.publicUrl,
    tls: options.tls,
  }).catch((error: unknown) => {
    stop.forget();
    throw new CliFailure("fault", error instanceof Error ? error.message : "the broker did not start", [
      "see what is wrong with `bailiwick doctor`",
    ]);
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (options.json)
    io.stdout.write(
      `${JSON.stringify({ url: broker.url, egress: broker.egressUrl, data: broker.dataFolder, policy: broker.policy().version, version: VERSION })}\n`,
    );
  else io.stdout.write(`${banner(broker, options, seconds)}${await enrolment(broker)}`);
  await stop.asked;
  if (!options.json) io.stderr.write("stopping\n");
  await broker.close();
  return 0;
}

function banner(
  broker: { readonly url: string; readonly egressUrl?: string | undefined; readonly dataFolder: string },
  options: UpOptions,
  seconds: string,
): string {
  const loopback = ["127.0.0.1", "localhost", "::1"].includes(options.host);
  return `bailiwick ${VERSION}, ready in ${seconds} s

  agents   ${broker.url}/mcp
${broker.egressUrl === undefined ? "" : `  egress   ${broker.egressUrl} (HTTPS_PROXY)\n`}  people   ${broker.url}/
  data     ${broker.dataFolder}
  policy   ${options.policyFolder}
  exposed  ${loopback ? "only this machine can reach it" : `whoever can reach ${options.host} on this port`}

  next     bailiwick login <person>
`;
}

/** On a new broker the first owner's enrolment link; nothing once anybody is enrolled. Not with `--json`, which programs keep. */
async function enrolment(broker: Pick<RunningBroker, "firstInvitation">): Promise<string> {
  const link = await broker.firstInvitation().catch(() => undefined);
  if (link === undefined) return "";
  return `  enrol    ${link.url}
           registers the first passkey of ${link.person}; works once, until ${link.expiresAt.toISOString()}
`;
}
