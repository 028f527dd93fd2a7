import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TOOLS } from "../places.ts";
import { freePort } from "../process.ts";

/** How to start nginx as a forward proxy by Host, and where it then listens. */
export interface NginxCommand {
  readonly args: readonly string[];
  readonly port: number;
  /**
   * Port for HTTP/2 by prior knowledge: without TLS, nginx before 1.25 takes only one protocol on a
   * port.
   */
  readonly http2: number;
}

/**
 * Writes the configuration of an nginx without access log, in one process.
 *
 * @param host the Host that requests will have. nginx keeps connections alive only towards
 * upstreams that its configuration names.
 * @param upstream port of that host on loopback
 */
export async function nginxCommand(host: string, upstream: number): Promise<NginxCommand> {
  const [port, http2] = [await freePort(), await freePort()];
  const folder = join(TOOLS, "bench", "nginx");
  await mkdir(folder, { recursive: true });
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration({ folder, host, upstream, port, http2 }));
  return { port, http2, args: ["-c", file, "-p", folder, "-e", "stderr"] };
}

interface Places {
  readonly folder: string;
  readonly host: string;
  readonly upstream: number;
  readonly port: number;
  readonly http2: number;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
const OUR_HEADERS = ["fence-source", "slime-orig-dest", "slime-source-ns"];

/**
 * `master_process off`: the worker is the process that was started, so its processor time and its
 * signals are at hand.
 */
function configuration({ folder, host, upstream, port, http2 }: Places): string {
  const removed = (module: string) => OUR_HEADERS.map((header) => `      ${module}_set_header ${header} "";`).join("\n");
  return `
daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
events { worker_connections 4096; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${join(folder, name)};`).join("\n  ")}
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  upstream ${host} { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 1h; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    listen 127.0.0.1:${http2} http2 backlog=1024;
    http2_max_concurrent_streams 1024;
    location / {
      proxy_pass http://$host;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
${removed("proxy")}
    }
    location /bench.Items/ {
      grpc_pass grpc://$host;
      grpc_set_header Host $host;
${removed("grpc")}
    }
  }
}
`;
}
