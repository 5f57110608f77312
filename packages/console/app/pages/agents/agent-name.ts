const SCHEME = "bailiwick://";

/** An agent's name without its scheme: `acme/prod/helpdesk/support`. */
export function shortName(name: string): string {
  return name.startsWith(SCHEME) ? name.slice(SCHEME.length) : name;
}

/** The name as one part of an address: its parts cannot hold a `~`, and a slash there would be taken for the address's own. */
export function nameInPath(name: string): string {
  return shortName(name).replaceAll("/", "~");
}

/** The name that an address means. */
export function nameFromPath(part: string): string {
  return `${SCHEME}${part.replaceAll("~", "/")}`;
}
