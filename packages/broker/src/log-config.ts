import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { anchorsShape, quorumProblem } from "./adapters/anchors/anchors-config.ts";
import { tracesSchema } from "./adapters/telemetry/traces.ts";
import { exportsSchema } from "./config/exports-schema.ts";

/** Lies in the policy folder, since it is reviewed with it. It grants nothing; a broker reads it when it starts. */
export const LOG_CONFIG = "log.yaml";

const DAY_MS = 86_400_000;

/** `400d`, in milliseconds. */
const days = z
  .string()
  .regex(/^[1-9][0-9]{0,4}d$/u, "a retention is a number of days, such as `400d`")
  .transform((text) => Number(text.slice(0, -1)) * DAY_MS);

const schema = z
  .strictObject({
    /** The logs' name for verifiers and witnesses. */
    origin: z.string().exactOptional(),
    /** By tenant, how long records are kept; others for ever. */
    retention: z.record(z.string(), days).default({}),
    ...anchorsShape,
    exports: exportsSchema.default([]),
    traces: tracesSchema.exactOptional(),
  })
  .superRefine((config, context) => {
    const problem = quorumProblem(config);
    if (problem !== undefined) context.addIssue({ code: "custom", path: ["quorum"], message: problem });
  });

/** How the log is kept, beside being written: who else holds its heads, where it goes, how long it stays. */
export type LogConfig = z.output<typeof schema>;

/** `log.yaml` cannot be used; `message` names each place and what to write there. */
export class LogConfigError extends Error {
  override readonly name = "LogConfigError";
}

/** Reads `log.yaml` of a policy folder; all defaults without one. @throws LogConfigError for anything in it that is not known. */
export async function readLogConfig(folder: string): Promise<LogConfig> {
  const path = join(folder, LOG_CONFIG);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new LogConfigError(`\`${path}\` cannot be read; check its permissions`, { cause: error });
  });
  const parsed = schema.safeParse(yamlOf(text, path) ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `\`${issue.path.join(".") || LOG_CONFIG}\`: ${issue.message}`);
  throw new LogConfigError(`\`${path}\` cannot be used; ${problems.join("; ")}`);
}

/** A name that is none would be an export nobody misses, or records kept for ever although somebody wanted otherwise. @throws LogConfigError */
export function requireTenants({ exports, retention }: LogConfig, tenants: readonly string[]): void {
  const unknown = [...exports.map(({ tenant }) => tenant), ...Object.keys(retention)].find((tenant) => !tenants.includes(tenant));
  if (unknown !== undefined)
    throw new LogConfigError(`\`log.yaml\` speaks of tenant \`${unknown}\`, which the policy does not have; it has ${tenants.join(", ")}`);
}

function yamlOf(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new LogConfigError(
      `\`${path}\` is no YAML (${cause instanceof Error ? cause.message.split("\n")[0] : "unreadable"}); correct it`,
      { cause },
    );
  }
}
