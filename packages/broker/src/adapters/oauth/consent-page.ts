import { type AgentConfig, ceilingScopes, type Policy } from "@bailiwick/policy";
import { html } from "hono/html";
import type { Client } from "oidc-provider";
import { type Markup, type Page, page } from "./pages.ts";

/** What the page shows; everything of the client's is untrusted text. */
export interface ConsentView {
  readonly policy: Policy;
  readonly client: Client;
  readonly person: string;
  readonly agents: readonly AgentConfig[];
  /** Undefined: the client named none, so everything the chosen agent may do is meant. */
  readonly scopes: readonly string[] | undefined;
  readonly task: string;
  /** Further narrowing by `authorization_details`, as it will hold. */
  readonly details: string | undefined;
  readonly redirectUri: string;
  readonly csrf: string;
  /** What was wrong with the form that was sent before. */
  readonly problem?: string | undefined;
}

/** One page without script: who asks, as which agent, what for; `Deny` has the focus. */
export async function consentPage(view: ConsentView): Promise<Page> {
  const redirect = new URL(view.redirectUri);
  const main = html`${view.problem === undefined ? "" : html`<p role="alert"><strong>${view.problem}.</strong></p>`}
    <p><strong>${shownName(view.client)}</strong> wants to act for you, ${view.person}, through Bailiwick.</p>
    <dl>
      <dt>Where it is from</dt>
      <dd>${origin(view.client)}</dd>
      <dt>Where your answer goes</dt>
      <dd>${redirect.host}</dd>
    </dl>
    ${view.agents.length === 0 ? nobody() : form(view)}`;
  return page("A program asks for access", main, "", redirect.origin);
}

function form(view: ConsentView): Markup {
  const only = view.agents.length === 1;
  return html`<form method="post">
    <input type="hidden" name="csrf" value="${view.csrf}" />
    <fieldset>
      <legend>Which agent may it act as?</legend>
      ${view.agents.map(
        (agent) =>
          html`<p>
            <label><input type="radio" name="agent" value="${agent.name}" required ${only ? "checked" : ""} /> ${agent.name}</label>
            ${view.scopes === undefined ? scopeList(view.policy, ceilingScopes(view.policy, agent.name)) : ""}
          </p>`,
      )}
    </fieldset>
    ${
      view.scopes === undefined
        ? ""
        : html`<p>It asks to:</p>
            ${scopeList(view.policy, view.scopes)}`
    }
    ${
      view.details === undefined
        ? ""
        : html`<p>Only for:</p>
            <pre>${escapedMarks(view.details)}</pre>`
    }
    <p>
      <label>What is it for? <input name="task" maxlength="200" required value="${visible(view.task)}" /></label>
    </p>
    <p>What it does is decided call by call by your policy, recorded under your name, and ends after eight hours at the latest.</p>
    <p>
      <button type="submit" name="answer" value="deny" autofocus formnovalidate>Deny</button>
      <button type="submit" name="answer" value="allow">Allow</button>
    </p>
  </form>`;
}

function nobody(): Markup {
  return html`<p>The policy lets you give no agent to this program. An agent's owner can add <code>clients</code> to its file.</p>`;
}

function scopeList(policy: Policy, scopes: readonly string[]): Markup {
  return html`<ul>
    ${scopes.map((scope) => html`<li><code>${scope}</code>: ${inWords(policy, scope)}</li>`)}
  </ul>`;
}

/** What a scope lets do: the effects of its actions and their descriptions. */
function inWords(policy: Policy, scope: string): string {
  const [tool = "", verb = "", field] = scope.split(":");
  const actions = policy.tools
    .filter((each) => each.tool === tool)
    .flatMap((each) => each.actions)
    .filter((action) => verb === "*" || action.scope === `${tool}:${verb}`);
  const effects = [...new Set(actions.map(({ effect }) => effect))].join(", ");
  const what = verb === "*" ? `everything this agent may do with ${tool}` : `${verb} with ${tool}`;
  return `${what}${field === undefined ? "" : `, only the field ${field}`} (${effects})`;
}

/** Names are chosen by whoever wrote the client: direction marks and control characters could make one look like another. */
export function shownName({ clientName, clientId }: Client): string {
  const name = visible(clientName ?? "").slice(0, 100);
  return name === "" ? clientId.slice(0, 200) : name;
}

function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "");
}

/** Values of the details are compared character by character, so what cannot be seen is written out, not left away. */
function escapedMarks(text: string): string {
  return text.replaceAll(/[\p{Cf}\u2028\u2029]/gu, (mark) => `\\u{${(mark.codePointAt(0) ?? 0).toString(16)}}`);
}

function origin({ clientId, clientIdMetadataDocument }: Client): string {
  if (clientIdMetadataDocument === true) return `${new URL(clientId).host} (${new URL(clientId).href})`;
  return "unknown: it registered itself, and its name is only what it says";
}
