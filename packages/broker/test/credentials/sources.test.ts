import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentSource } from "../../src/adapters/credential-source/environment.ts";
import { fileSource } from "../../src/adapters/credential-source/file.ts";
import { filledSource, readSource } from "../../src/adapters/credential-source/sourced-credentials.ts";

let folder: string;
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const refused = { code: "credential_unavailable", message: expect.not.stringContaining("top-secret") };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-sources-"));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test.each([0o640, 0o604, 0o666])("attack: a file that others may read (mode %o) is not used", async (mode) => {
  const path = await file(`open-${mode}`, "top-secret-value", mode);
  await expect(fileSource().read(path)).rejects.toMatchObject({ ...refused, message: expect.stringContaining("chmod 600") });
});

test("attack: a link to a file that others may read is judged by the file", async () => {
  const path = join(folder, "link");
  await symlink(await file("world-readable", "top-secret-value", 0o644), path);
  await expect(fileSource().read(path)).rejects.toMatchObject(refused);
});

test("a folder, a device, a file that is too large or no text is not used", async () => {
  await mkdir(join(folder, "sub"), { mode: 0o700 });
  const large = await file("large", "x".repeat(70_000));
  const bytes = await file("bytes", Buffer.from([0xff, 0xfe, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
  for (const path of [join(folder, "sub"), "/dev/zero", large, bytes]) await expect(fileSource().read(path)).rejects.toMatchObject(refused);
});

test("a value too short to be told from ordinary text in results is not used, whatever its source", async () => {
  await expect(environmentSource(() => "short").read("KEY")).rejects.toMatchObject(refused);
  await expect(fileSource().read(await file("short", "short"))).rejects.toMatchObject(refused);
});

test("only the line end is cut from a file's text", async () => {
  expect((await fileSource().read(await file("lines", " first line\nlast line \r\n")))?.value).toBe(" first line\nlast line ");
});

test("placeholders are filled from the call's place", () => {
  expect(filledSource("file:/run/secrets/${tenant}/${environment}.${workflow}", at)).toBe("file:/run/secrets/acme/prod.helpdesk");
});

test.each(["../globex", "a/../../etc", "acme$(id)", "acme\n"])("attack: a tenant named `%s` does not lead to another place", (tenant) => {
  expect(() => filledSource("file:/run/secrets/${tenant}", { ...at, tenant })).toThrow(/no place/u);
});

test("a vault that the broker was not told of, and a source nobody knows, say so", async () => {
  const external = { env: environmentSource(() => undefined), file: fileSource() };
  await expect(readSource("vault:secret/crm#key", external)).rejects.toThrow(/BAILIWICK_VAULT_ADDR/u);
  await expect(readSource("http://evil.example", external)).rejects.toMatchObject(refused);
});
