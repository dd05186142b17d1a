// The section `tidemark`: what Prometheus' configuration has no place for. Limits of what a tenant may store, for all of them
// (`limits`) and by name (`tenants`); a field that a tenant does not give is that of `limits`. As in Prometheus' own limits,
// 0 means: none.
//
//   tidemark:
//     limits:  { active_series_limit, sample_rate_limit, sample_burst_limit, label_limit, label_name_length_limit,
//                label_value_length_limit, label_bytes_limit }
//     tenants: { team-a: { the same fields } }
//     access:  see access.ts
import { tenantProblem } from '../model/index.ts';
import { access } from './access.ts';
import { uint } from './scalars.ts';
import { type Place, type StructValue, type Type, mapOf, optional, struct } from './schema.ts';

/** What one tenant may store. Counts and bytes; 0: no limit but those of the program. */
export interface TenantLimits {
  /** Series that had a sample lately. */
  readonly activeSeriesLimit: number;
  /** Samples per second over time. */
  readonly sampleRateLimit: number;
  /** Samples that may come at once, after a pause. Not 0 where there is a rate. */
  readonly sampleBurstLimit: number;
  /** Labels of a series, its name among them. */
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  /** Of all names and values of a series together. */
  readonly labelBytesLimit: number;
}

/** The most that the fields about labels can be: what the intake can take. */
const LABELS_MAX = 4096;
const LABEL_BYTES_MAX = 1 << 20;
/** A burst that is not given is what may come in so many seconds. */
const BURST_SECONDS = 10;

/** Limits that only stop what can be no honest series; docs/limits.md says why they are what they are. */
export const TENANT_LIMITS_DEFAULT: TenantLimits = {
  activeSeriesLimit: 0,
  sampleRateLimit: 0,
  sampleBurstLimit: 0,
  labelLimit: 256,
  labelNameLengthLimit: 1024,
  labelValueLengthLimit: 65_536,
  labelBytesLimit: LABEL_BYTES_MAX,
};

/** A whole number up to `max`; null where it is not given. */
const upTo = (max: number): Type<number | null> =>
  optional({
    ...uint,
    decode: (node, at: Place) => {
      const value = uint.decode(node, at);
      return value <= max ? value : at.fail(`want a whole number of at most ${max}; got ${value}`);
    },
  });

const COUNT_MAX = 0xffff_fffe;

const fields = {
  activeSeriesLimit: upTo(COUNT_MAX),
  sampleRateLimit: upTo(COUNT_MAX),
  sampleBurstLimit: upTo(COUNT_MAX),
  labelLimit: upTo(LABELS_MAX),
  labelNameLengthLimit: upTo(LABEL_BYTES_MAX),
  labelValueLengthLimit: upTo(LABEL_BYTES_MAX),
  labelBytesLimit: upTo(LABEL_BYTES_MAX),
};
const limits = struct(fields);
type GivenLimits = StructValue<typeof fields>;

const given = mapOf(limits);
const tenants: Type<Record<string, GivenLimits>> = {
  ...given,
  decode(node, at) {
    const value = given.decode(node, at);
    for (const name of Object.keys(value)) {
      const problem = tenantProblem(name);
      if (problem !== null) at.at(name).fail(problem);
    }
    return value;
  },
};

/** Puts limits over others; a burst belongs to the rate beside it. */
function merged(base: TenantLimits, own: GivenLimits): TenantLimits {
  const of = <K extends keyof TenantLimits>(key: K): number => own[key] ?? base[key];
  const sampleRateLimit = of('sampleRateLimit');
  const inherited = own.sampleRateLimit === null ? base.sampleBurstLimit : 0;
  return {
    activeSeriesLimit: of('activeSeriesLimit'),
    sampleRateLimit,
    sampleBurstLimit: sampleRateLimit === 0 ? 0 : own.sampleBurstLimit || inherited || sampleRateLimit * BURST_SECONDS,
    labelLimit: of('labelLimit'),
    labelNameLengthLimit: of('labelNameLengthLimit'),
    labelValueLengthLimit: of('labelValueLengthLimit'),
    labelBytesLimit: of('labelBytesLimit'),
  };
}

const sectionFields = { limits, tenants, access };

/** A burst without a rate would limit nothing: it is a mistake. */
function checkBursts({ limits: base, tenants: named }: StructValue<typeof sectionFields>, at: Place): void {
  const check = (own: GivenLimits, rate: number | null, place: Place) => {
    if (own.sampleBurstLimit && !rate)
      place.at('sample_burst_limit').fail("'sample_burst_limit' has no effect without 'sample_rate_limit'");
  };
  check(base, base.sampleRateLimit, at.at('limits'));
  for (const [name, own] of Object.entries(named))
    check(own, own.sampleRateLimit ?? base.sampleRateLimit, at.at('tenants').at(name));
}

/** The section as it is written; limitsOf reads it. */
export const tidemark = struct(sectionFields, checkBursts);
/** What the section says: only what is given; limitsOf fills in the rest. */
export type TidemarkConfig = StructValue<typeof sectionFields>;

/** The limits of a tenant. */
export function limitsOf(config: TidemarkConfig, tenant: string): TenantLimits {
  const base = merged(TENANT_LIMITS_DEFAULT, config.limits);
  return Object.hasOwn(config.tenants, tenant) ? merged(base, config.tenants[tenant]) : base;
}
