import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Code, Command } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { TextArea } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Time } from "../../ui/time.tsx";
import { say } from "../../ui/toast.tsx";
import { Confirm } from "./confirm.tsx";

type Key = Schema<"Agent">["keys"][number];

/** Whether a key still signs token requests. */
export function worksNow({ status, retiresAt }: Key): boolean {
  return status === "active" && (retiresAt === undefined || new Date(retiresAt) > new Date());
}

/** An agent's public keys: which there are, an end for each, and one more. */
export function Keys({ agent, keys, mayChange }: { readonly agent: string; readonly keys: readonly Key[]; readonly mayChange: boolean }) {
  return (
    <section aria-label="Keys">
      <h2 className="mt-4 mb-1">Keys</h2>
      {keys.length === 0 ? (
        <Empty title="No key is registered: the agent cannot get a token." command={`bailiwick agents new-key ${agent} --out key.json`}>
          The command makes a key, registers its public half, and writes the private one to a file only you can read.
        </Empty>
      ) : (
        <ul className="grid gap-1">
          {keys.map((key) => (
            <KeyLine key={key.thumbprint} agent={agent} of={key} mayChange={mayChange} />
          ))}
        </ul>
      )}
      {mayChange ? <AddKey agent={agent} /> : undefined}
    </section>
  );
}

function KeyLine({ agent, of, mayChange }: { readonly agent: string; readonly of: Key; readonly mayChange: boolean }) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const retire = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/agents/keys/retire", { body: { agent, thumbprint: of.thumbprint } })),
    onSuccess: async () => {
      say("The key signs no more token requests. Sessions it opened end by themselves.");
      await queries.invalidateQueries({ queryKey: ["agents"] });
    },
  });
  const works = worksNow(of);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded border border-line bg-card px-2 py-1">
      <Code>{of.thumbprint}</Code>
      <Badge tone={works ? "allow" : "plain"}>{works ? "active" : "retired"}</Badge>
      <span className="text-soft">
        added <Time at={of.addedAt} />
        {of.retiresAt === undefined ? undefined : (
          <>
            , ends <Time at={of.retiresAt} />
          </>
        )}
      </span>
      {works && mayChange && !asked ? (
        <Button className="ml-auto" onClick={() => setAsked(true)} aria-label={`Retire the key ${of.thumbprint}`}>
          Retire…
        </Button>
      ) : undefined}
      {asked ? (
        <Confirm
          question="Retire it for good?"
          keep="Keep it"
          change="Retire it"
          busy={retire.isPending}
          onKeep={() => setAsked(false)}
          onChange={() => retire.mutate()}
        />
      ) : undefined}
      <ProblemNote error={retire.error} />
    </li>
  );
}

function AddKey({ agent }: { readonly agent: string }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | undefined>();
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: async (publicJwk: PublicJwk) => answerOf(api.POST("/api/v1/agents/keys", { body: { agent, publicJwk: { ...publicJwk } } })),
    onSuccess: async () => {
      setText("");
      say("The key is registered.");
      await queries.invalidateQueries({ queryKey: ["agents"] });
    },
  });
  const submit = (): void => {
    const read = publicJwkOf(text);
    setWrong(typeof read === "string" ? read : undefined);
    if (typeof read !== "string") add.mutate(read);
  };
  return (
    <details className="mt-2">
      <summary className="w-fit underline underline-offset-2">Register a key</summary>
      <form
        className="mt-2 grid max-w-xl gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextArea
          label="Public key (JWK, P-256)"
          hint="The public half only; a private key must never leave the agent's machine."
          error={wrong}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="font-mono"
        />
        <div>
          <Button type="submit" look="main" disabled={add.isPending}>
            Register
          </Button>
        </div>
        <ProblemNote error={add.error} />
        <p className="text-soft">
          Or make one: <Command>{`bailiwick agents new-key ${agent} --out key.json`}</Command>
        </p>
      </form>
    </details>
  );
}

interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}

/** The key, or what is wrong with the text. A private half is refused here, before it would be sent. */
export function publicJwkOf(text: string): PublicJwk | string {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== "object" || read === null) return "This is not a JSON object.";
    if ("d" in read) return "This is a private key. Paste its public half, without `d`, and treat this one as seen.";
    const { kty, crv, x, y } = read as Readonly<Record<string, unknown>>;
    if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string")
      return "This is no P-256 key: it needs kty EC, crv P-256, x and y.";
    return { kty, crv, x, y };
  } catch {
    return 'This is not JSON. Paste the key as in {"kty": "EC", "crv": "P-256", "x": …, "y": …}.';
  }
}
