import type { ActiveElevation, AgentConfig, JsonObject, Policy } from "@bailiwick/policy";
import { z } from "zod";
import { NotSupposable, suppose, type Supposed } from "../insight/suppose.ts";
import { CliFailure } from "./failure.ts";
import { printable } from "./text.ts";

/** The facts of a thought-up call, as they are written on a command line. */
export interface WrittenWhatIf {
  readonly agent: string;
  readonly action: string;
  readonly args?: string | undefined;
  readonly resource?: string | undefined;
  readonly user?: string | undefined;
  readonly task?: string | undefined;
  readonly sessionData?: string | undefined;
  readonly at?: string | undefined;
  /** Roles with commas between. */
  readonly elevated?: string | undefined;
}

/** The call that the words of a command line describe. @throws CliFailure `usage` when a fact cannot be read or does not fit. */
export function supposeWritten(policy: Policy, written: WrittenWhatIf, now: Date): Supposed {
  const { agent, action, args, resource, user, task, sessionData, at, elevated } = written;
  const elevations = elevated?.split(",").map((role) => elevationTo(role.trim()));
  const facts = {
    agent,
    action,
    args: objectFrom("--args", args),
    record: objectFrom("--resource", resource),
    user,
    task,
    data: objectFrom("--session-data", sessionData),
    at: timeFrom(at),
    elevations,
  };
  try {
    const supposed = suppose(policy, policy.agents, facts, now);
    for (const { role } of elevations ?? []) checkEligible(supposed.agent, role);
    return supposed;
  } catch (error) {
    throw error instanceof NotSupposable ? new CliFailure("usage", printable(error.message), error.next.map(printable)) : error;
  }
}

/** In force whatever `--at` says. */
function elevationTo(role: string): ActiveElevation {
  return { id: `what-if-${role}`, role, scope: [], until: new Date(8_640_000_000_000_000) };
}

function checkEligible({ name, eligible }: AgentConfig, role: string): void {
  if (eligible.some((one) => one.role === role)) return;
  const may = eligible.map((one) => one.role).join(", ");
  throw new CliFailure("usage", `\`${name}\` may not ask for the role \`${printable(role)}\``, [
    may === "" ? "list it under `eligible` in the agent's file" : `it may ask for ${may}`,
  ]);
}

const object = z.record(z.string(), z.json());

function objectFrom(option: string, text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  const read = object.safeParse(parsed(text));
  if (read.success) return read.data;
  throw new CliFailure("usage", `\`${option}\` is not a JSON object: \`${printable(text)}\``, [`write it as in ${option} '{"id": "T-1"}'`]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function timeFrom(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  if (z.iso.datetime({ offset: true }).safeParse(text).success) return new Date(text);
  throw new CliFailure("usage", `\`--at\` is no RFC 3339 time: \`${printable(text)}\``, [
    "write it with its zone, as in --at 2026-11-23T10:00:00Z",
  ]);
}
