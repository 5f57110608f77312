import { fileURLToPath } from "node:url";
import { Client, credentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { Pool } from "undici";
import type { CerbosCall } from "./cerbos-form.ts";

/** Kept-alive connections over which questions are asked by their number. */
export interface Line {
  readonly name: string;
  ask(question: number): Promise<boolean>;
  close(): Promise<void>;
}

/** JSON over HTTP, turned into text on each call. */
export function httpLine(port: number, calls: readonly CerbosCall[], connections: number): Line {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
  return {
    name: "HTTP",
    async ask(question) {
      const response = await pool.request({
        path: "/api/check/resources",
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(calls[question]),
      });
      const answer: unknown = await response.body.json();
      if (response.statusCode !== 200) throw new Error(`cerbos answered ${response.statusCode}: ${JSON.stringify(answer).slice(0, 300)}`);
      return allows(answer);
    },
    close: () => pool.close(),
  };
}

const SERVICE = "cerbos.svc.v1.CerbosService";

/** gRPC over one connection; the messages stand ready, only their encoding happens on each call. */
export function grpcLine(port: number, calls: readonly CerbosCall[]): Line {
  const service = loadSync(fileURLToPath(new URL("cerbos.proto", import.meta.url)), { enums: String, keepCase: true })[SERVICE];
  const method = service === undefined || "format" in service ? undefined : service["CheckResources"];
  if (method === undefined) throw new Error("the description of cerbos' API lacks CheckResources");
  const { path, requestSerialize, responseDeserialize } = method;
  const messages = calls.map(messageOf);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    name: "gRPC",
    ask(question) {
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, messages[question] ?? {}, (failure, answer) => {
          if (failure === null) resolve(allows(answer));
          else reject(failure);
        });
      });
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

function messageOf({ principal, resources }: CerbosCall): object {
  return {
    principal: { ...principal, attr: valuesOf(principal.attr) },
    resources: resources.map(({ actions, resource }) => ({ actions, resource: { ...resource, attr: valuesOf(resource.attr) } })),
  };
}

function valuesOf(fields: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]: [string, unknown]) => [name, valueOf(value)]));
}

/** A `google.protobuf.Value`. */
function valueOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "number") return { numberValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "object" && value !== null) return { structValue: { fields: valuesOf(value) } };
  throw new Error(`cerbos takes no ${typeof value} as an attribute`);
}

/** Whether the one action of the one resource is allowed, in either encoding of the answer. */
function allows(answer: unknown): boolean {
  const [result] = arrayOf(fieldOf(answer, "results"));
  const effects = Object.values(fieldOf(result, "actions") ?? {});
  if (effects.length !== 1) throw new Error(`cerbos answered otherwise than asked: ${JSON.stringify(answer).slice(0, 300)}`);
  return effects[0] === "EFFECT_ALLOW";
}

function fieldOf(value: unknown, name: string): object | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const field: unknown = Reflect.get(value, name);
  return typeof field === "object" && field !== null ? field : undefined;
}

function arrayOf(value: object | undefined): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
