import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { agentSchema, identityKpisSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { labelled, table } from "./text.ts";

const jwk = z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() });
const registered = z.object({ agent: z.string(), thumbprint: z.string(), retiring: z.array(z.string()) });

/** `bailiwick agents list | add-key | new-key | retire-key | kpis`. */
export function addAgents(program: Command, cli: Cli): void {
  const agents = program.command("agents").description("agents of the policy and their keys");
  agents
    .command("list", { isDefault: true })
    .description("agents and how many keys each has")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const broker = await cli.broker();
      const answer = await broker.get("/agents", z.object({ agents: z.array(agentSchema) }), { tenant: options.tenant });
      const rows = answer.agents.map((agent) => [
        agent.name,
        agent.roles.join(","),
        agent.owner,
        String(agent.keys.filter((key) => works(key, cli.io.now())).length),
        agent.stop === undefined ? agent.status : `${agent.status}: ${agent.stop.reason}`,
      ]);
      cli.answer(answer.agents, rows.length === 0 ? "" : table(["AGENT", "ROLES", "OWNER", "KEYS", "STATUS"], rows));
      if (rows.length === 0) cli.talk("no agents; write one as `agents/<workflow>.yaml` in the policy folder");
    });
  agents
    .command("add-key <agent> <file>")
    .description("registers a public key (JWK, ES256); a private half in the file is not sent")
    .option(...overlap)
    .action(async (agent: string, file: string, options: { overlap?: string }) => {
      const publicJwk = await readPublicJwk(cli, file);
      const answer = await (await cli.broker()).send("POST", "/agents/keys", registered, { agent, publicJwk, overlap: options.overlap });
      cli.answer(answer, `registered key ${answer.thumbprint} for ${answer.agent}\n${ending(answer.retiring, options.overlap)}`);
    });
  agents
    .command("new-key <agent>")
    .description("makes a key, registers its public half, and writes the private one to a file only you can read")
    .requiredOption("--out <file>", "where the private key (JWK) goes")
    .option(...overlap)
    .action(async (agent: string, options: { out: string; overlap?: string }) =>
      newKey(cli, agent, resolve(cli.io.cwd, options.out), options.overlap),
    );
  agents
    .command("retire-key <agent> <thumbprint>")
    .description("ends a key at once: it signs no more token requests")
    .action(async (agent: string, thumbprint: string) => {
      const answer = await (
        await cli.broker()
      ).send("POST", "/agents/keys/retire", registered.omit({ retiring: true }), { agent, thumbprint });
      cli.answer(answer, `retired key ${answer.thumbprint} of ${answer.agent}; sessions it opened end by themselves\n`);
    });
  agents
    .command("kpis")
    .description("shared credentials, agents nobody answers for, live tokens by lifetime")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const kpis = await (await cli.broker()).get("/kpis/identity", identityKpisSchema, { tenant: options.tenant });
      const tokens = kpis.tokensByLifetime.map(({ upTo, binding, count }) => [`up to ${upTo}, ${binding}`, String(count)] as const);
      cli.answer(
        kpis,
        labelled([
          ["keys offered for a second agent", String(kpis.sharedCredentialAttempts)],
          ["agents without owner", kpis.agentsWithoutOwner.join(", ") || "none"],
          ...tokens.map(([what, count]) => [`live tokens ${what}`, count] as const),
        ]),
      );
    });
}

const overlap = ["--overlap <time>", "rotation: older keys of this agent end after that time, such as 30m, 24h or 7d"] as const;

function works(key: { readonly status: string; readonly retiresAt?: string | undefined }, now: Date): boolean {
  return key.status === "active" && (key.retiresAt === undefined || new Date(key.retiresAt) > now);
}

function ending(retiring: readonly string[], after: string | undefined): string {
  return retiring.map((thumbprint) => `key ${thumbprint} ends in ${after ?? ""}\n`).join("");
}

/** The file is written before the key is registered: a registered key nobody holds would only be noise to whoever reviews keys. */
async function newKey(cli: Cli, agent: string, file: string, after: string | undefined): Promise<void> {
  const broker = await cli.broker();
  const privateJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const publicJwk = jwk.parse(privateJwk);
  await writeFile(file, `${JSON.stringify({ ...privateJwk, alg: "ES256", agent })}\n`, { mode: 0o600, flag: "wx" }).catch(() => {
    throw new CliFailure("usage", `cannot write \`${file}\`, or it is there already`, ["name a new file in a folder that exists"]);
  });
  const answer = await broker.send("POST", "/agents/keys", registered, { agent, publicJwk, overlap: after });
  const text = `registered key ${answer.thumbprint} for ${answer.agent}; its private half is in ${file}\n${ending(answer.retiring, after)}`;
  cli.answer({ ...answer, file }, text);
}

async function readPublicJwk(cli: Cli, file: string): Promise<z.output<typeof jwk>> {
  try {
    return jwk.parse(JSON.parse(await readFile(resolve(cli.io.cwd, file), "utf8")));
  } catch {
    throw new CliFailure("usage", `\`${file}\` is no ES256 key in JWK form (kty EC, crv P-256)`, [
      "make one with `bailiwick agents new-key <agent> --out <file>`",
    ]);
  }
}
