import { html } from "hono/html";
import { PAGE_HEADERS } from "../rest/console.ts";

/** What `html` makes: text in which every value was escaped. */
export type Markup = ReturnType<typeof html>;

/** A page as it is sent. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why an authorization came to nothing. */
export async function errorPage(description: string): Promise<Page> {
  return page(
    "Nothing was allowed",
    html`<p>${description}.</p>
      <p>Start again from the program that sent you here.</p>`,
  );
}

/**
 * Leads on to `next`, a path of ours. A page and not a redirect: a redirect would continue the other site's navigation, and the browser
 * would hold the person's cookie (`SameSite=Strict`) back.
 */
export async function onwardPage(next: string): Promise<Page> {
  return page("One moment", html`<p><a href="${next}">Continue</a></p>`, html`<meta http-equiv="refresh" content="0;url=${next}" />`);
}

/**
 * A page with nothing inline and nothing from elsewhere, in no frame. `redirect` is where its form may lead in the end: browsers hold
 * `form-action` against redirects too.
 */
export async function page(title: string, main: Markup, head: Markup | "" = "", redirect?: string): Promise<Page> {
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
          <h1>${title}</h1>
          ${main}
        </main>
      </body>
    </html> `;
  const policy = PAGE_HEADERS["content-security-policy"] ?? "default-src 'none'";
  return {
    html: String(text),
    headers: {
      ...PAGE_HEADERS,
      "content-type": "text/html; charset=utf-8",
      "x-frame-options": "DENY",
      "content-security-policy": redirect === undefined ? policy : policy.replace("form-action 'self'", `form-action 'self' ${redirect}`),
    },
  };
}
