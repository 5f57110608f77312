import { PAGE_HEADERS } from "./console.ts";

/** The page behind a sign-in link: one button. A checked code holds only letters, digits, `-` and `_`, so it needs no escaping. */
export function signInPage(state: { readonly code: string } | { readonly problem: string }): Response {
  const main =
    "code" in state ? button(state.code) : `<p>${state.problem}.</p><p>Run <code>bailiwick login &lt;person&gt;</code> for a new link.</p>`;
  const status = "code" in state ? 200 : 400;
  return new Response(page(main), { status, headers: { ...PAGE_HEADERS, "content-type": "text/html; charset=utf-8" } });
}

function button(code: string): string {
  return `<p>This link signs you in on this browser. It works once.</p>
<form method="post" action="/login"><input type="hidden" name="code" value="${code}"><button type="submit" autofocus>Sign in</button></form>`;
}

function page(main: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in - Bailiwick</title><link rel="stylesheet" href="/console.css"></head>
<body class="plain"><main><h1>Bailiwick</h1>
${main}
</main></body>
</html>
`;
}
