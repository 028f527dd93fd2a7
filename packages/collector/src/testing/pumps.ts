/**
 * A kind that lives in tests only, as a collector runs it: its quotas are numbers, counts of ready
 * endpoints (`endpoints <service>`), or what somebody outside is asked for (any other text).
 */
import type { ObjectRef } from "@fenceline/api";
import { PUMP, type Pump, type PumpStatus } from "@fenceline/api/testing";
import type { Desired, DrivenKind, Reconciler, Triggers } from "@fenceline/control";
import { RecordedLookup } from "@fenceline/registry";
import { renderPump } from "@fenceline/render/testing";
import type { MeshChanges } from "@fenceline/store";
import type { KindContext } from "../kind-context.ts";
import { RegistryReads } from "../registry-reads.ts";

interface PumpSeen {
  readonly pump: Pump;
  /** What passes at each stage, where it is known. */
  readonly quotas: ReadonlyMap<string, number>;
}

const ASK_PAUSE = 10;

class PumpReconciler implements Reconciler<PumpSeen, PumpStatus>, Triggers<Pump> {
  readonly kind = PUMP;
  readonly #context: KindContext;
  readonly #reads = new RegistryReads();
  /** The last answers, by what was asked. */
  readonly #answers = new Map<string, number>();
  readonly #end = new AbortController();
  #asking: Promise<void> | undefined;

  constructor(context: KindContext) {
    this.#context = context;
  }

  observe(of: ObjectRef): PumpSeen | undefined {
    const pump = this.#context.store.objectOf(PUMP, of);
    if (pump === undefined) return undefined;
    const registry = new RecordedLookup(this.#context.mesh().registry);
    const quotas = new Map<string, number>();
    for (const { name, quota } of pump.spec.stages) {
      const [, service] = /^endpoints (.+)$/.exec(quota) ?? [];
      const number = /^\d+$/.test(quota) ? Number(quota) : this.#answers.get(quota);
      const found = service === undefined ? number : registry.readyEndpoints(of.namespace, service);
      if (found !== undefined) quotas.set(name, found);
    }
    this.#reads.set(of, [registry.reads]);
    return { pump, quotas };
  }

  desired({ pump, quotas }: PumpSeen): Desired<PumpStatus> {
    const missing = pump.spec.stages.find(({ name }) => !quotas.has(name));
    if (missing === undefined) return { objects: [renderPump(pump, quotas)], status: { running: quotas.size } };
    const message = `nobody knows ${missing.quota}`;
    return { objects: [], status: { running: 0 }, refused: { reason: "NumberMissing", message } };
  }

  statusToWrite(of: ObjectRef, { status }: Desired<PumpStatus>): PumpStatus | undefined {
    return this.#context.store.objectOf(PUMP, of)?.status.running === status.running ? undefined : status;
  }

  forget(of: ObjectRef): void {
    this.#reads.delete(of);
  }

  concernedBy(changes: MeshChanges): readonly ObjectRef[] {
    return this.#reads.concernedBy(changes);
  }

  interval(): number {
    return ASK_PAUSE;
  }

  async start(): Promise<void> {
    await this.#ask();
  }

  tick(): void {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#asking;
  }

  /** What is not answered keeps its last number. */
  async #ask(): Promise<void> {
    const { store, samples, runs } = this.#context;
    for (const { kind, metadata, spec } of store.snapshot().of(PUMP))
      for (const { quota } of spec.stages) {
        if (samples === undefined || /^(endpoints .+|\d+)$/.test(quota)) continue;
        const answer = await samples.query(quota, this.#end.signal).catch(() => undefined);
        if (answer === undefined || this.#answers.get(quota) === answer) continue;
        this.#answers.set(quota, answer);
        runs.enqueue({ kind, namespace: metadata.namespace, name: metadata.name });
      }
  }
}

/** Its line in a table of drivers. */
export function pumps(context: KindContext): DrivenKind<Pump> {
  const reconciler = new PumpReconciler(context);
  return { kind: PUMP, reconciler, triggers: reconciler };
}
