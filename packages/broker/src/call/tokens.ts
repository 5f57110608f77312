import { type CatalogAction, type JsonObject, REDACTED, usesTokens } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { type StandIn, TOKEN, tokenName, type TokenOwner } from "../domain/token.ts";
import { staysKnown } from "./naming.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { mapTexts } from "./texts.ts";

type TokenPorts = Pick<CallPorts, "tokens">;

/** Gives a value the name it is called by; `path` says what it is. */
export type TokenOf = (value: string, path: string) => string;

function ownerOf({ tenant, run, user }: Session): TokenOwner {
  return { tenant, run, user };
}

/**
 * The arguments with what their tokens stand for, in the places that the action names and nowhere else: an action that reads must not say back
 * what a token stands for. Replaced once, so that a value that looks like a token stays as it is.
 * @throws Refusal `argument_invalid` for a token that this run does not know, or that stands where its value would not be known again.
 */
export async function withValues(
  ports: TokenPorts,
  session: Session,
  action: CatalogAction,
  args: JsonObject,
): Promise<{ readonly args: JsonObject; readonly standIns: readonly StandIn[] }> {
  if (action.tokens.length === 0) return { args, standIns: [] };
  const isMeant = (path: string): boolean => action.tokens.some((each) => path === each || path.startsWith(`${each}.`));
  const used = new Map<string, string>();
  const collected = mapTexts(args, "args", (text, path) => {
    if (isMeant(path)) for (const [token] of text.matchAll(TOKEN)) used.set(token, path);
    return text;
  });
  if (used.size === 0) return { args: collected, standIns: [] };
  const standIns = await ports.tokens.find(ownerOf(session), [...used.keys()]);
  const values = new Map(standIns.map((each) => [each.token, each]));
  for (const [token, path] of used) {
    if (!values.has(token)) throw unusable(token, path, "which stands for nothing in this run; use one that a result showed");
  }
  const meant = mapTexts(args, "args", (text, path) =>
    isMeant(path)
      ? text.replaceAll(TOKEN, (token, ...[, , at]: readonly [string, string, number]) => {
          const known = values.get(token);
          if (known === undefined) return token;
          if (!staysKnown(known, text, at))
            throw unusable(token, path, "joined to a word or to another token; leave a space before and after it");
          return known.value;
        })
      : text,
  );
  return { args: meant, standIns };
}

function unusable(token: string, path: string, why: string): Refusal {
  const argument = path.replace(/^args\./u, "");
  return new Refusal("argument_invalid", `argument \`${argument}\` holds \`${token}\`, ${why}`, {
    next: [{ kind: "narrow", field: argument, allowed: [] }],
  });
}

/** How often `work` may come upon values it had not named before: masks first, then what is found in what they left. */
const ROUNDS = 4;

/** Does `work` with names for the values it asks names for. Without any it is done once, and nothing is looked up. */
export async function withTokens<T>(ports: TokenPorts, session: Session, work: (token: TokenOf) => T): Promise<T> {
  const tokens = new Map<string, string>();
  let done: T;
  for (let round = 0; ; round += 1) {
    const wanted = new Map<string, string>();
    done = work((value, path) => {
      const token = tokens.get(value);
      if (token === undefined) wanted.set(value, tokenName(path));
      return token ?? REDACTED;
    });
    if (wanted.size === 0 || round === ROUNDS) return done;
    const given = await ports.tokens.assign(
      ownerOf(session),
      Array.from(wanted, ([value, name]) => ({ name, value })),
    );
    // What there is no room for stays redacted.
    for (const value of wanted.keys()) tokens.set(value, REDACTED);
    for (const { value, token } of given) tokens.set(value, token);
  }
}

/** What has a name in the run of this call. Asked for only where the policy knows tokens. */
export async function namesOfRun(
  ports: TokenPorts,
  { policy, session }: { readonly policy: CallPolicy; readonly session: Session },
): Promise<readonly StandIn[]> {
  return usesTokens(policy) ? ports.tokens.all(ownerOf(session)) : [];
}

type CallPolicy = Parameters<typeof usesTokens>[0];
