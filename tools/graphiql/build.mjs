// Bundles src/ into internal/graphiql/dist: one script and one style sheet,
// named after their contents and gzipped, and the licences of what is in them.
import {createHash} from 'node:crypto';
import {mkdir, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, '../../internal/graphiql/dist');

// The style sheet carries Roboto and Fira Code as data: URLs, three quarters
// of its size. src/style.css names the system's fonts instead.
const withoutWebFonts = {
  name: 'without-web-fonts',
  setup(b) {
    b.onLoad({filter: /graphiql[\\/]dist[\\/]style\.css$/}, async ({path}) => ({
      contents: (await readFile(path, 'utf8')).replace(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    }));
  },
};

const result = await build({
  absWorkingDir: here,
  entryPoints: {graphiql: 'src/main.jsx'},
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  outdir: 'out',
  format: 'iife',
  target: ['es2022'],
  charset: 'utf8',
  jsx: 'automatic',
  legalComments: 'none',
  define: {'process.env.NODE_ENV': '"production"'},
  plugins: [withoutWebFonts],
});

await rm(dist, {recursive: true, force: true});
await mkdir(dist, {recursive: true});
for (const file of result.outputFiles) {
  const [, name, ext] = /([^\\/.]+)\.([a-z]+)$/.exec(file.path);
  const hash = createHash('sha256').update(file.contents).digest('hex').slice(0, 12);
  const gz = gzipSync(file.contents, {level: 9});
  const out = `${name}-${hash}.${ext}.gz`;
  await writeFile(join(dist, out), gz);
  console.log(`${out}: ${file.contents.length} bytes, ${gz.length} gzipped`);
}
await writeFile(join(dist, 'LICENSES.txt'), await licences());

// licences lists the packages that are really in the bundle, with the text of
// each licence once.
async function licences() {
  const folders = new Set();
  for (const output of Object.values(result.metafile.outputs)) {
    for (const [path, {bytesInOutput}] of Object.entries(output.inputs)) {
      const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (folder && bytesInOutput > 0) folders.add(join(here, folder));
    }
  }
  const byText = new Map();
  for (const folder of [...folders].sort()) {
    const {name, version, license, author} = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find(f => /^licen[cs]e/i.test(f));
    const text = file ? (await readFile(join(folder, file), 'utf8')).replace(/\r\n/g, '\n').trim() : '';
    if (!license) throw new Error(`${relative(here, folder)} names no licence`);
    const who = !text && author ? `, ${author.name ?? author}` : '';
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license}${who})`]);
  }
  const rule = '-'.repeat(72);
  const parts = ['The GraphiQL page is bundled from these packages.'];
  for (const [text, packages] of byText) {
    parts.push(packages.join('\n'), text || 'These packages come without a copy of the licence that they name.', rule);
  }
  return parts.slice(0, -1).join('\n\n') + '\n';
}
