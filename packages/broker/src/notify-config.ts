import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Policy } from "@bailiwick/policy";
import { parse } from "yaml";
import { type NotifyConfig, notifySchema } from "./config/notify-schema.ts";

/** Lies in the policy folder, since it is reviewed with it. It grants nothing; a broker reads it when it starts. */
export const NOTIFY_CONFIG = "notify.yaml";

/** `notify.yaml` cannot be used; `message` names each place and what to write there. */
export class NotifyConfigError extends Error {
  override readonly name = "NotifyConfigError";
}

/** Reads `notify.yaml` of a policy folder; without one nobody is told anything. @throws NotifyConfigError for anything in it that is not known. */
export async function readNotifyConfig(folder: string): Promise<NotifyConfig> {
  const path = join(folder, NOTIFY_CONFIG);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new NotifyConfigError(`\`${path}\` cannot be read; check its permissions`, { cause: error });
  });
  const parsed = notifySchema.safeParse(yamlOf(text, path) ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `\`${issue.path.join(".") || NOTIFY_CONFIG}\`: ${issue.message}`);
  throw new NotifyConfigError(`\`${path}\` cannot be used; ${problems.join("; ")}`);
}

/** A name that is none would be a message nobody misses. @throws NotifyConfigError */
export function requireNames({ channels, routes }: NotifyConfig, policy: Policy): void {
  const people = policy.people.map(({ id }) => id);
  const stranger = Object.values(channels)
    .flatMap((channel) => ("slack" in channel ? Object.keys(channel.slack.people) : []))
    .find((id) => !people.includes(id));
  if (stranger !== undefined)
    throw new NotifyConfigError(
      `\`notify.yaml\` speaks of the person \`${stranger}\`, whom \`bailiwick.yaml\` does not list; correct one of the two`,
    );
  for (const { name, on, to } of routes) {
    const wrong =
      unknownOf("tenant", on.tenants, policy.tenants) ??
      unknownOf("environment", on.environments, policy.environments) ??
      unknownOf(
        "role",
        to.flatMap((each) => ("roles" in each ? each.roles : [])),
        policy.people.flatMap(({ roles }) => roles),
      );
    if (wrong !== undefined) throw new NotifyConfigError(`route \`${name}\` of \`notify.yaml\` names the ${wrong}; correct it`);
  }
}

function unknownOf(what: string, named: readonly string[] | undefined, known: readonly string[]): string | undefined {
  const unknown = named?.find((each) => !known.includes(each));
  return unknown === undefined ? undefined : `${what} \`${unknown}\`, which the policy does not have`;
}

function yamlOf(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new NotifyConfigError(
      `\`${path}\` is no YAML (${cause instanceof Error ? cause.message.split("\n")[0] : "unreadable"}); correct it`,
      { cause },
    );
  }
}
