// Relay: its compiler takes schema and conventions as they are, and its runtime refetches by id, joins pages and
// updates what a mutation gives back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import relay from 'relay-runtime';
import { administrator, draft, published, url } from './server.mjs';

const { Environment, Network, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getSelector } = relay;
const here = new URL('.', import.meta.url);

const generated = new URL('relay/__generated__/', here);
rmSync(generated, { recursive: true, force: true });
mkdirSync(generated);
writeFileSync(new URL('relay/schema.graphql', here), published);
const said = execFileSync('node_modules/.bin/relay-compiler', ['relay.config.json'], { cwd: here, encoding: 'utf8', stdio: 'pipe' });
const artifact = (name) => createRequire(generated)(`./${name}.graphql.js`);

function environment(headers = {}) {
  const fetching = async ({ text }, variables) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: text, variables }),
    });
    return answer.json();
  };
  return new Environment({ network: Network.create(fetching), store: new Store(new RecordSource()) });
}

const ask = (on, query, variables) => fetchQuery(on, query, variables).toPromise();

/** What a fragment shows, where it is spread. */
const shown = (on, fragment, reference) => on.lookup(getSelector(fragment, reference)).data;

test('the compiler warns of nothing', () => assert.doesNotMatch(said, /warn|error/i));

test('a fragment is refetched by the id of its node', async () => {
  const on = environment();
  const { municipality } = await ask(on, artifact('operationsCityQuery'), { key: '09461000' });
  const fragment = artifact('operations_city');
  assert.equal(shown(on, fragment, municipality).state.name, 'Bayern');
  await ask(on, artifact('operationsCityRefetchQuery'), { id: municipality.id });
  assert.equal(shown(on, fragment, municipality).name, 'Bamberg');
});

test('pages join without gap or double', async () => {
  const on = environment();
  const fragment = artifact('operations_towns');
  const first = artifact('operationsTownsQuery');
  const root = await ask(on, first, {});
  const keep = on.retain(createOperationDescriptor(first, {}));
  const names = () => shown(on, fragment, root).municipalities.edges.map(({ node }) => node.name);
  assert.equal(names().length, 7);
  const { endCursor } = shown(on, fragment, root).municipalities.pageInfo;
  await ask(on, artifact('operationsTownsPageQuery'), { first: 7, after: endCursor });
  assert.equal(names().length, 14);
  assert.equal(new Set(names()).size, 14);
  keep.dispose();
});

test('a mutation changes what is shown', async (t) => {
  const { id, version } = await draft(t);
  const on = environment(administrator);
  const query = artifact('operationsDraftQuery');
  await ask(on, query, { id });
  const mutation = artifact('operationsRenameMutation');
  await new Promise((onCompleted, onError) => {
    commitMutation(on, { mutation, variables: { input: { id, version, article: { title: 'Größer' } } }, onCompleted, onError });
  });
  assert.equal(on.lookup(createOperationDescriptor(query, { id }).fragment).data.article.title, 'Größer');
});
