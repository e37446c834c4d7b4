// Typed clients: generators of types take the published schema as it is, what they make compiles, and asks and is answered.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { buildSchema, parse } from 'graphql';
import ts from 'typescript';
import { published } from './server.mjs';

const here = new URL('typed/', import.meta.url);
const file = (name) => new URL(name, here);
writeFileSync(file('schema.graphql'), published);

test('GraphQL Code Generator and TypeScript', async (t) => {
  const warnings = t.mock.method(console, 'warn');
  const operations = readFileSync(file('operations.graphql'), 'utf8');
  const config = {
    strictScalars: true, // none is `any`
    scalars: { ID: 'string', Date: 'string', DateTime: 'string', Decimal: 'string', Duration: 'string', URL: 'string' },
    enumType: 'string-literal',
    useTypeImports: true,
  };
  const generated = await codegen({
    filename: 'generated.ts',
    schema: parse(published),
    schemaAst: buildSchema(published),
    documents: [{ location: 'operations.graphql', document: parse(operations) }],
    plugins: [{ operations: {} }, { documents: {} }],
    pluginMap: { operations: typescriptOperations, documents: typedDocumentNode },
    config,
  });
  writeFileSync(file('generated.ts'), generated);
  assert.equal(warnings.mock.callCount(), 0);

  rmSync(file('built'), { recursive: true, force: true });
  const program = ts.createProgram([file('main.ts').pathname], {
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: true,
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [], outDir: file('built').pathname,
  });
  const emitted = program.emit();
  const said = ts.getPreEmitDiagnostics(program).concat(emitted.diagnostics).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  assert.deepEqual(said, []);
  const answer = JSON.parse(execFileSync(process.execPath, [file('built/main.js').pathname], { encoding: 'utf8' }));
  assert.equal(answer.city, 'Bamberg');
  assert.equal(answer.state, 'Bayern');
  assert.ok(answer.names.includes('Bamberg'), answer.names);
  assert.equal(answer.version, 1);
});

test('genqlient and Go', () => {
  const run = (...args) => {
    const { status, stdout, stderr } = spawnSync('go', args, { cwd: here, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout + stderr.replace(/^go: downloading .*\n/gm, '');
  };
  assert.equal(run('tool', 'genqlient'), '');
  assert.match(run('run', '.'), /^Bamberg \[.*Bamberg.*\] article_/);
});
