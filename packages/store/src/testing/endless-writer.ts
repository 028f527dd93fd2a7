/**
 * Writes the status of one fence again and again, each time with one host more, and says on
 * standard output which write is done. To be killed.
 */
import { DirectoryStore } from "../directory/directory-store.ts";

const [folder = ""] = process.argv.slice(2);
const store = await DirectoryStore.open({ folder, onRefused: (error) => process.stderr.write(`${error.message}\n`) });
const domains: Record<string, { source: "learned" }> = {};
for (let count = 1; ; count += 1) {
  domains[`h${count}.test1.svc.cluster.local`] = { source: "learned" };
  await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "a" }, { domains });
  process.stdout.write(`${count}\n`);
}
