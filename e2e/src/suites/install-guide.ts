/**
 * docs/install.md, followed word by word: its commands run in a shell, as a reader would paste
 * them.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { Fenceline } from "../fenceline/install.ts";
import type { Lab } from "../lab/lab.ts";
import { labProgram, PROJECT } from "../places.ts";
import { runCommand } from "../setup/command.ts";
import { readFence, sidecarHosts } from "./mesh/fence.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "test1";
const HOST_B = "test1/b.test1.svc.cluster.local";
const RENDERED = [
  ["networking.istio.io/v1", "Sidecar"],
  ["networking.istio.io/v1alpha3", "EnvoyFilter"],
] as const;

export const installGuide: Suite = { name: "install-guide", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const guide = commandsOf(readFileSync(join(PROJECT, "docs", "install.md"), "utf8"));
  const shell = await report.step("no Fenceline is there", async () => {
    await Fenceline.uninstall(lab);
    return readersShell(lab);
  });
  const paste = (section: string, block = 0) => shell(guide(section, block));
  await report.step("the chart: its Deployments become available", () => paste("2. The chart"));
  await report.step("two services to try it with start", () => paste("3. Two services to try it with"));
  await report.step("the first fence becomes Ready and Enforced", async () => {
    await paste("4. The first fence");
    await lab.until("both conditions", () => areTrue(lab, ["Ready", "Enforced"]));
  });
  await report.step("its Sidecar hides b", async () => assert.ok(!(await paste("4. The first fence", 1)).includes(HOST_B)));
  await report.step("a calls b, and the fence has learned b", async () => {
    assert.match(await paste("4. The first fence", 2), /^b$/m);
    await lab.until("b in the Sidecar", async () => (await sidecarHosts(lab, NAMESPACE, "a"))?.includes(HOST_B));
  });
  await report.step("an upgrade keeps it", async () => {
    await paste("Upgrade");
    assert.ok((await sidecarHosts(lab, NAMESPACE, "a"))?.includes(HOST_B));
  });
  await report.step("uninstalling leaves no Sidecar and no EnvoyFilter behind, and the fence with what it learned", async () => {
    await paste("Uninstall");
    for (const [version, kind] of RENDERED) assert.deepEqual(await lab.kubernetes.list(version, kind), []);
    assert.ok(Object.keys((await readFence(lab, NAMESPACE, "a"))?.status.domains ?? {}).includes("b.test1.svc.cluster.local"));
  });
  await report.step("what is left goes with the definitions and the namespace", () => paste("Uninstall", 1));
  await shell(`kubectl delete namespace ${NAMESPACE}`);
}

/** The fenced code blocks without a language, by the heading above them. */
function commandsOf(markdown: string): (section: string, block: number) => string {
  const sections = new Map(
    markdown
      .split(/^## /m)
      .map((section): [string, string[]] => [
        section.slice(0, section.indexOf("\n")),
        [...section.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, commands = ""]) => commands),
      ]),
  );
  return (section, block) => {
    const commands = sections.get(section)?.[block];
    assert.ok(commands !== undefined, `docs/install.md has no section '${section}' with ${block + 1} blocks of commands`);
    return commands;
  };
}

/**
 * A shell with kubectl, Helm and Node in its PATH, in the project's folder. It returns what was
 * printed.
 */
async function readersShell(lab: Lab): Promise<(commands: string) => Promise<string>> {
  const bin = join(lab.folder, "bin");
  mkdirSync(bin);
  const wrapper = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/usr/bin/env bash\nset -euo pipefail\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  wrapper("helm", `exec "${toolPath("helm")}" "$@"`);
  wrapper("kubectl", kubectl());
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    KUBECONFIG: lab.controlPlane.apiServer.kubeconfig,
    LAB_NETWORK: lab.network,
  };
  return (commands) => runCommand("bash", ["-euo", "pipefail", "-c", commands], { cwd: PROJECT, env });
}

/**
 * `kubectl exec` asks a kubelet to run the command; here it is run in the pod's network namespace,
 * which is all there is of a container.
 */
function kubectl(): string {
  const real = `"${labProgram("kubectl")}"`;
  return `
if [[ " $* " != *" exec deployment/"* ]]; then exec ${real} "$@"; fi
app=$(sed -E 's|.* exec deployment/([^ ]+).*|\\1|' <<< " $*")
namespace=$(sed -E 's|.* --namespace ([^ ]+).*|\\1|' <<< " $*")
pod=$(${real} --namespace "$namespace" get pods --selector "app=$app" --output 'jsonpath={.items[0].metadata.name}')
while [[ $1 != -- ]]; do shift; done
exec ip netns exec "$LAB_NETWORK-$pod.$namespace" "\${@:2}"`;
}

async function areTrue(lab: Lab, types: readonly string[]): Promise<boolean> {
  const { conditions = [] } = (await readFence(lab, NAMESPACE, "a"))?.status ?? {};
  return types.every((type) => conditions.some((condition) => condition.type === type && condition.status === "True"));
}
