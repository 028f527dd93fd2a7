import { chmod, copyFile, link, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FencelineError } from "@fenceline/api";
import { envoyBinary } from "../../setup/envoy.ts";
import { istioFile } from "../../setup/istio.ts";
import type { Releases } from "../../setup/releases.ts";

/** The programs of a pod's proxy, where the proxy's user can read them. */
export interface ProxyPrograms {
  readonly agent: string;
  readonly envoy: string;
  readonly bootstrapTemplate: string;
}

/**
 * Puts the programs into the stage folder, which anybody may read: the project itself may be in
 * root's home.
 */
export async function stageProxyPrograms(stage: string, { envoy: release, istio }: Releases): Promise<ProxyPrograms> {
  const envoy = envoyBinary(release);
  if (envoy === undefined) throw new FencelineError("LAB_NOT_SET_UP", { message: "there is no Envoy", hint: "npm run e2e:setup" });
  await chmod(stage, 0o755);
  const programs = {
    agent: join(stage, "pilot-agent"),
    envoy: join(stage, "envoy"),
    bootstrapTemplate: join(stage, "envoy_bootstrap.json"),
  };
  await Promise.all([place(istioFile(istio, "agent"), programs.agent), place(envoy, programs.envoy)]);
  await writeFile(programs.bootstrapTemplate, openAdmin(await readFile(istioFile(istio, "bootstrapTemplate"), "utf8")));
  return programs;
}

/** A hard link costs nothing, but needs the same file system. */
async function place(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

/**
 * Makes a pod's Envoy accessible from outside, for suites: the only change to Istio's own template
 * is the address of the admin interface.
 */
function openAdmin(template: string): string {
  const admin = template.indexOf('"admin": {');
  const address = template.indexOf('"{{ .localhost }}"', admin);
  if (admin === -1 || address === -1) {
    throw new FencelineError("LAB_BOOTSTRAP_LAYOUT", { message: "Istio's bootstrap template has no admin address where it was expected" });
  }
  return `${template.slice(0, address)}"0.0.0.0"${template.slice(address + '"{{ .localhost }}"'.length)}`;
}
