import { until } from "@fenceline/e2e/lab/until.ts";

/** Where processor time goes, in percent, the largest part first. */
export type Shares = readonly (readonly [part: string, percent: number])[];

/** The fields of the protocol's `Profiler.Profile` that are read. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** A Node process that was started with `--inspect-port`. */
export interface Profiled {
  readonly pid: number;
  readonly inspectPort: number;
}

/**
 * The self time of a process's main thread during `run`, by package and folder, from V8's own
 * profiler. It costs some percent itself, so no figure is measured meanwhile. Inlined code counts
 * as its caller.
 */
export async function profileWhile({ pid, inspectPort }: Profiled, run: () => Promise<void>, signal: AbortSignal): Promise<Shares> {
  // Node opens its inspector then.
  process.kill(pid, "SIGUSR1");
  const list = async () => {
    const response = await fetch(`http://127.0.0.1:${inspectPort}/json/list`, { signal });
    return (await response.json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  };
  const [target] = await until("the inspector", list, { signal, timeout: 10_000 });
  const session = await InspectorSession.open(target?.webSocketDebuggerUrl ?? "");
  try {
    await session.ask("Profiler.enable");
    await session.ask("Profiler.start");
    await run();
    const { profile } = (await session.ask("Profiler.stop")) as { readonly profile: Profile };
    await session.ask("Profiler.disable");
    return sharesOf(profile);
  } finally {
    session.close();
  }
}

/** Time in which the thread waits is not CPU time. */
export function sharesOf({ nodes, samples, timeDeltas }: Profile): Shares {
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const part = parts.get(id);
    if (part !== undefined) times.set(part, (times.get(part) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([part, time]) => [part, (100 * time) / all] as const).sort(([, one], [, other]) => other - one);
}

const OWN_FILE = /\/packages\/([^/]+)\/src\/(?:([^/]+)\/)?[^/]+$/;
const LIBRARY = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** `store/kubernetes`, `node:internal`, `pino`; undefined for time in which nothing runs. */
function partOf({ functionName, url }: Profile["nodes"][number]["callFrame"]): string | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return "collections of garbage";
  const [, name, folder] = OWN_FILE.exec(url) ?? [];
  if (name !== undefined) return folder === undefined ? name : `${name}/${folder}`;
  const [, library] = LIBRARY.exec(url) ?? [];
  if (library !== undefined) return library;
  if (url.startsWith("node:")) return "Node's streams, sockets and TLS";
  return "native code (system calls, TLS, JSON)";
}

/** The DevTools protocol of one process. */
class InspectorSession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: { readonly result?: unknown; readonly error?: { readonly message: string } }) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data));
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
    socket.addEventListener("close", () => {
      for (const tell of this.#waiting.values()) tell({ error: { message: "the process has ended" } });
      this.#waiting.clear();
    });
  }

  static async open(url: string): Promise<InspectorSession> {
    const socket = new WebSocket(url);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
    await promise;
    return new InspectorSession(socket);
  }

  ask(method: string): Promise<unknown> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, ({ result, error }) =>
      error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
    );
    this.#socket.send(JSON.stringify({ id, method }));
    return promise;
  }

  close(): void {
    this.#socket.close();
  }
}
