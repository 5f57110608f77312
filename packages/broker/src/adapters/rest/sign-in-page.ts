import type { Context } from "hono";
import { html } from "hono/html";
import { PAGE_HEADERS } from "./console.ts";
import { PROBLEMS, type Problem } from "./problem.ts";

/** What `html` makes: text in which every value was escaped. */
type Markup = ReturnType<typeof html>;

/** The page behind a sign-in link: one button. */
export async function signInPage(state: { readonly code: string } | { readonly problem: string }): Promise<Response> {
  const main =
    "code" in state
      ? html`<p>This link signs you in on this browser. It works once.</p>
          <form method="post" action="/login">
            <input type="hidden" name="code" value="${state.code}" /><button type="submit" autofocus>Sign in</button>
          </form>`
      : html`<p>${state.problem}.</p>
          <p>Run <code>bailiwick login &lt;person&gt;</code> for a new link.</p>`;
  return page(main, "code" in state ? 200 : 400);
}

/** Why a sign-in at the identity provider came to nothing, and what to do. */
export async function problemPage(problem: Problem): Promise<Response> {
  const main = html`<p>${problem.message}.</p>
    <ul>
      ${problem.next.map((step) => html`<li>${step}</li>`)}
    </ul>
    <p><a href="/sign-in">Back to the sign-in page</a></p>`;
  return page(main, PROBLEMS[problem.code].status);
}

/**
 * Leads on to `next`, a checked path. A page and not a redirect: a redirect would continue the other site's navigation, and the browser
 * would hold the new cookie (`SameSite=Strict`) back.
 */
export async function signedInPage(c: Context, next: string): Promise<Response> {
  const main = html`<p>You are signed in.</p>
    <p><a href="${next}">Continue</a></p>`;
  const made = await page(main, 200, html`<meta http-equiv="refresh" content="0;url=${next}" />`);
  for (const [name, value] of made.headers) c.header(name, value);
  return c.body(await made.text());
}

/** A page of the broker for a person without the console. */
export async function page(main: Markup, status: number, head: Markup | "" = "", title = "Sign in"): Promise<Response> {
  const text = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${head}
        <title>${title} - Bailiwick</title>
        <link rel="stylesheet" href="/console.css" />
      </head>
      <body class="plain">
        <main>
          <h1>Bailiwick</h1>
          ${main}
        </main>
      </body>
    </html> `;
  return new Response(text.toString(), { status, headers: { ...PAGE_HEADERS, "content-type": "text/html; charset=utf-8" } });
}
