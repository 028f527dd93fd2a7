import { availableParallelism } from "node:os";
import { DEFAULT_TRUST_DOMAIN } from "@fenceline/api/vocabulary";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  apiHostOption,
  durationOption,
  hostOption,
  listOption,
  logFormatOption,
  logLevelOption,
  namespaceOption,
  parseAddress,
  parseCount,
  parseEndpoint,
  parseHostName,
  parseNameServer,
  parsePort,
  parseText,
  parseTrustDomain,
} from "../../flags.ts";
import { EVERY_ADDRESS } from "../../listen.ts";
import { run } from "./run.ts";

/** `fenceline global-sidecar`: the fallback proxy in a cluster, with its own Envoy. */
export function globalSidecarCommand(): Command {
  return new Command("global-sidecar")
    .description("Run the global sidecar in a cluster: forward unknown hosts by cluster DNS and report their edges.")
    .requiredOption("--collector <host:port>", "access-log service of the collector", parseEndpoint)
    .option("--collector-token-file <file>", "token by which the collector identifies this process; read again for each use", parseText)
    .addOption(hostOption(EVERY_ADDRESS))
    .option("--port <port>", "port for requests (HTTP)", parsePort, 18_080)
    .option("--admin-port <port>", "port of /healthz, /readyz, /metrics and /api/v1/calls", parsePort, 18_083)
    .addOption(apiHostOption())
    .option("--cluster-domain <domain>", "DNS domain of the cluster", parseHostName, "cluster.local")
    .addOption(namespaceOption("namespace of Fenceline, never forwarded to"))
    .addOption(listOption("--own-name <host>", "fully qualified name of our own Service, never forwarded to", parseHostName))
    .addOption(listOption("--own-address <ip>", "address of our own pod or Service, never forwarded to, beside $POD_IPS", parseAddress))
    .addOption(
      new Option("--external <policy>", "hosts that are no service of the cluster, for fenced callers whose identity agrees")
        .choices(["forward", "refuse"])
        .default("forward"),
    )
    .addOption(listOption("--external-allow <entry>", "host, *.host or CIDR that passes although --external is refuse", parseText))
    .addOption(listOption("--external-deny <entry>", "host, *.host or CIDR outside of the mesh that never passes", parseText))
    .addOption(listOption("--dns-server <ip:port>", "name server", parseNameServer, "those of /etc/resolv.conf"))
    .option(
      "--trust-forwarded-client-cert",
      "read callers' certificates in x-forwarded-client-cert: behind an Envoy that writes it, as in the chart. Without it the header is ignored, and no caller has a certificate",
      false,
    )
    .addOption(listOption("--trust-domain <domain>", "trust domain of the mesh, for SPIFFE ids", parseTrustDomain, DEFAULT_TRUST_DOMAIN))
    .option("--accept-plaintext", "trust callers without a certificate, too: any pod may then claim to be any workload", false)
    .addOption(durationOption("--drain-delay <duration>", "after SIGTERM: how long requests are still taken, until everybody knows", "5s"))
    .addOption(durationOption("--drain <duration>", "after that: how long requests in flight may take to finish", "25s"))
    .option("--workers <n>", "threads that take requests, or auto: one for each core that we may use", parseWorkers, 1)
    .addOption(
      durationOption(
        "--max-turn <duration>",
        "when turns of a worker's event loop stay longer than this, 10ms at least, a share of the requests gets 503; 0s: never",
        "250ms",
        // Every busy worker has turns of some milliseconds: with less, it would refuse nearly all
        // connections.
        { least: 10, zero: true },
      ),
    )
    .option("--max-requests <n>", "requests in flight in one worker; one beyond it gets 503", parseCount, 10_000)
    .option("--max-connections <n>", "client connections of one worker; one beyond it is closed", parseCount, 10_000)
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

/** More cores than a fallback needs. A typing mistake must not start thousands of threads. */
const MAX_WORKERS = 64;

function parseWorkers(text: string): number {
  const workers = text === "auto" ? availableParallelism() : parseCount(text);
  if (workers > MAX_WORKERS) throw new InvalidArgumentError(`At most ${MAX_WORKERS}.`);
  return workers;
}
