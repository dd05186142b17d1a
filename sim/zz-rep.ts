import { Instances } from './instances.ts';
import { compareReplicas } from './replica.ts';
const instances = await Instances.load();
let bad = 0; const t = performance.now();
const [from, n, verbose] = process.argv.slice(2);
for (let seed = Number(from); seed < Number(from) + Number(n); seed++) {
  try { await compareReplicas(seed, instances, verbose ? console.log : undefined); } catch (e: any) { bad++; if (bad < 12) console.log(seed, String(e.name === 'Error' ? e.message : e.stack).slice(0, 600)); }
}
console.log(bad, 'bad', (performance.now() - t) / 1000);
