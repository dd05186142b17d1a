// Bundles the page into build/ui: app.js from src/main.ts, app.css from uPlot's and our own, index.html as it is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const uplotCss = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css');

const staticFiles = {
  name: 'static-files',
  buildStart() {
    for (const file of ['index.html', 'app.css', 'icon.svg']) this.addWatchFile(at(file));
  },
  generateBundle() {
    const css = `${readFileSync(uplotCss, 'utf8')}\n${readFileSync(at('app.css'), 'utf8')}`;
    this.emitFile({ type: 'asset', fileName: 'app.css', source: css });
    for (const file of ['index.html', 'icon.svg']) {
      this.emitFile({ type: 'asset', fileName: file, source: readFileSync(at(file), 'utf8') });
    }
  },
};

export default {
  input: at('src/main.ts'),
  platform: 'browser',
  plugins: [staticFiles],
  output: {
    dir: at('../build/ui'),
    entryFileNames: 'app.js',
    format: 'esm',
    minify: true,
    codeSplitting: false,
  },
};
