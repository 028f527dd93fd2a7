import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

type Labels = Readonly<Record<string, string>>;

/** The name of a series with its labels. */
function seriesOf(name: string, labels: Labels): string {
  const written = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${written.join(",")}}`;
}

/** Serves metrics to Prometheus, as the Envoy of a workload does. */
export class Exporter {
  readonly #series = new Map<string, { readonly name: string; value: number }>();
  readonly #server: Server;
  #isUp = true;
  /** Number of scrapes. */
  scrapes = 0;

  private constructor() {
    this.#server = createServer((_, response) => {
      this.scrapes += 1;
      if (this.#isUp) response.setHeader("content-type", "text/plain; version=0.0.4").end(this.#text());
      else response.writeHead(503).end();
    });
  }

  static async start(t: TestContext): Promise<Exporter> {
    const exporter = new Exporter();
    exporter.#server.listen(0, "127.0.0.1");
    await once(exporter.#server, "listening");
    t.after(() => {
      exporter.#server.close();
      exporter.#server.closeAllConnections();
    });
    return exporter;
  }

  /** Its address, as a target of Prometheus. */
  get target(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Increments a counter. */
  add(name: string, labels: Labels, value = 1): void {
    const series = seriesOf(name, labels);
    this.#series.set(series, { name, value: (this.#series.get(series)?.value ?? 0) + value });
  }

  /** Sets a gauge. */
  set(name: string, labels: Labels, value: number): void {
    this.#series.set(seriesOf(name, labels), { name, value });
  }

  /** Whether scrapes succeed from now on. */
  up(isUp: boolean): void {
    this.#isUp = isUp;
  }

  /** Series of a metric must be consecutive. */
  #text(): string {
    const names = [...new Set([...this.#series.values()].map(({ name }) => name))];
    const lines = names.flatMap((name) => [...this.#series].flatMap(([series, of]) => (of.name === name ? `${series} ${of.value}` : [])));
    return `${lines.map((line) => line.replace("Infinity", "Inf")).join("\n")}\n`;
  }
}
