// What tenants may store: the limits of the configuration as the intake's kernel takes them, a token bucket per tenant with a
// rate, and the counts of what was refused. Tenants are names that senders make up, so all that is kept of them is bounded.
import { type MetricRegistry, utf8 } from '../base/index.ts';
import { type TenantLimits, type TidemarkConfig, limitsOf } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import {
  EXEMPLAR_REASONS,
  INTAKE_LIMITS_DEFAULT,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLimits,
} from '../kernel/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import { TokenBucket } from './limits-rate.ts';

/** Tenants whose buckets are kept; of the least recently seen beyond it, a fresh bucket begins when they come again. */
const TENANTS_KEPT_MAX = 10_000;
/** Tenants with metrics of their own, besides those that the configuration names; the rest is counted as one. */
const TENANTS_SHOWN_MAX = 100;
/** No tenant can have this name. */
const OTHER_TENANTS = '<other>';

const LABELS_MAX = 4096;
const LABEL_BYTES_MAX = 1 << 20;

interface Tenant {
  readonly limits: IntakeLimits;
  readonly rate: number;
  readonly bucket: TokenBucket | null;
}

export interface LimitsParts {
  readonly clock: Clock;
  readonly metrics: MetricRegistry;
  readonly config: TidemarkConfig;
}

/** Limits as the kernel takes them; times are up to the caller. */
function kernelLimits(limits: TenantLimits): IntakeLimits {
  return {
    ...INTAKE_LIMITS_DEFAULT,
    labelCountMax: limits.labelLimit || LABELS_MAX,
    nameBytesMax: limits.labelNameLengthLimit || LABEL_BYTES_MAX,
    valueBytesMax: limits.labelValueLengthLimit || LABEL_BYTES_MAX,
    labelBytesMax: limits.labelBytesLimit || LABEL_BYTES_MAX,
    activeSeriesMax: limits.activeSeriesLimit || Infinity,
  };
}

/** Whether the second limits refuse, or have to count, what the segments took under the first. */
function isTighter(before: IntakeLimits, after: IntakeLimits): boolean {
  const fields = ['labelCountMax', 'nameBytesMax', 'valueBytesMax', 'labelBytesMax'] as const;
  if (fields.some((field) => after[field] < before[field])) return true;
  return before.activeSeriesMax === Infinity && after.activeSeriesMax < Infinity;
}

/** The limits of all tenants. */
export class Limits {
  readonly #clock: Clock;
  readonly #metrics: MetricRegistry;
  readonly #tenants = new Map<string, Tenant>();
  readonly #shown = new Set<string>();
  /** Of these, those whose active series were shown: they go on to be, down to 0. */
  readonly #counted = new Set<string>();
  #config: TidemarkConfig;

  constructor({ clock, metrics, config }: LimitsParts) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#config = config;
    this.#show();
  }

  /**
   * Goes over to another configuration. True if log segments must end for it, so that what goes on is defined, and so checked
   * and counted, anew: a limit about labels is lower, or series are counted of tenants whose series were not.
   */
  apply(config: TidemarkConfig): boolean {
    const before = this.#config;
    this.#config = config;
    for (const [name, tenant] of this.#tenants) this.#tenants.set(name, this.#made(name, tenant));
    this.#show();
    const names = [...Object.keys(before.tenants), ...Object.keys(config.tenants), OTHER_TENANTS];
    return names.some((name) => isTighter(kernelLimits(limitsOf(before, name)), kernelLimits(limitsOf(config, name))));
  }

  /** What the kernel is to hold the tenant's series against. */
  of(tenant: string): IntakeLimits {
    return this.#tenant(tenant).limits;
  }

  /** Milliseconds until the tenant may send again; 0: now. If not, the request counts as refused. */
  waitMs(tenant: string): number {
    const waitMs = this.#tenant(tenant).bucket?.waitMs(this.#clock.monotonicMs()) ?? 0;
    if (waitMs > 0) this.#rateLimited(tenant).inc();
    return waitMs;
  }

  /** Why the tenant has to wait. */
  rateText(tenant: string): string {
    return `cannot store samples: tenant ${tenant} is over its limit of ${this.#tenant(tenant).rate} samples per second`;
  }

  /** Samples that a tenant sent; negative: they could not be stored after all. */
  take(tenant: string, samples: number): void {
    this.#tenant(tenant).bucket?.take(samples);
  }

  /** Counts what was refused of a request. */
  record(tenant: string, { refusedSamples, exemplarsRefused }: IntakeCounters): void {
    for (const reason of EXEMPLAR_REASONS) {
      if (exemplarsRefused[reason] === 0) continue;
      const labels = { tenant: this.#label(tenant), reason };
      this.#metrics
        .counter('tidemark_rejected_exemplars_total', 'Exemplars that were not stored, by tenant and reason.', labels)
        .add(exemplarsRefused[reason]);
    }
    for (const [reason, samples] of Object.entries(refusedSamples)) {
      this.#metrics
        .counter('tidemark_rejected_samples_total', 'Samples that were not stored, by tenant and reason.', {
          tenant: this.#label(tenant),
          reason,
        })
        .add(samples);
    }
  }

  /** Shows how many active series the tenants with a limit have. */
  observe(kernel: IntakeKernel): void {
    this.#metrics.beforeRender(() => {
      for (const tenant of this.#shown) {
        if (this.of(tenant).activeSeriesMax === Infinity && !this.#counted.has(tenant)) continue;
        this.#counted.add(tenant);
        const help = 'Series with a sample lately, of tenants with a limit of them.';
        const gauge = this.#metrics.gauge('tidemark_tenant_active_series', help, { tenant });
        gauge.set(kernel.activeSeries(utf8(tenant)));
      }
    });
  }

  #rateLimited(tenant: string) {
    const help = 'Requests and scrapes refused as a whole because their tenant was over its rate of samples.';
    return this.#metrics.counter('tidemark_rate_limited_requests_total', help, { tenant: this.#label(tenant) });
  }

  /** The tenant's state, as the one used last. */
  #tenant(name: string): Tenant {
    const known = this.#tenants.get(name);
    const tenant = known ?? this.#made(name, undefined);
    if (known) this.#tenants.delete(name);
    else if (this.#tenants.size >= TENANTS_KEPT_MAX) this.#tenants.delete(this.#tenants.keys().next().value as string);
    this.#tenants.set(name, tenant);
    if (!known && this.#shown.size < TENANTS_SHOWN_MAX) this.#shown.add(name);
    return tenant;
  }

  #made(name: string, before: Tenant | undefined): Tenant {
    const limits = limitsOf(this.#config, name);
    const { sampleRateLimit: rate, sampleBurstLimit: burst } = limits;
    const nowMs = this.#clock.monotonicMs();
    const bucket = rate === 0 ? null : (before?.bucket ?? new TokenBucket(rate, burst, nowMs));
    bucket?.configure(rate, burst, nowMs);
    return { limits: kernelLimits(limits), rate, bucket };
  }

  #show(): void {
    for (const name of [DEFAULT_TENANT, ...Object.keys(this.#config.tenants)]) this.#shown.add(name);
  }

  #label(tenant: string): string {
    return this.#shown.has(tenant) ? tenant : OTHER_TENANTS;
  }
}
